"""The same attacks by other libraries; skipped where they are not installed (foolbox, torchattacks, pyautoattack)."""

import pytest
import torch
from problems import Net, some_images

from mvm.attacks.attack import wrong
from mvm.attacks.autoattack import AutoAttack
from mvm.attacks.fgsm import FGSM
from mvm.attacks.pgd import PGD

pytestmark = pytest.mark.filterwarnings("ignore")  # of the peers


@pytest.fixture(scope="module")
def case():
    torch.manual_seed(0)
    net, (x, _) = Net().eval(), some_images(100)
    return net, x, net(x).argmax(1)


class Unit(torch.nn.Module):
    """The classifier on [0, 1], where torchattacks lives."""

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, x):
        return self.net(2 * x - 1)


def test_fgsm_is_foolboxs(case):
    foolbox = pytest.importorskip("foolbox")
    net, x, y = case
    model = foolbox.PyTorchModel(net, bounds=(-1, 1))
    _, theirs, _ = foolbox.attacks.LinfFastGradientAttack(random_start=False)(model, x, y, epsilons=0.1)
    torch.testing.assert_close(FGSM(eta=0.1, box=True)(net, x, y), theirs, atol=1e-6, rtol=0)


def test_fgsm_is_torchattacks(case):
    torchattacks = pytest.importorskip("torchattacks")
    net, x, y = case
    theirs = 2 * torchattacks.FGSM(Unit(net).eval(), eps=0.05)((x + 1) / 2, y) - 1
    torch.testing.assert_close(FGSM(eta=0.1, box=True)(net, x, y), theirs, atol=1e-6, rtol=0)


def test_pgd_is_no_weaker_than_foolboxs_at_equal_steps(case):
    foolbox = pytest.importorskip("foolbox")
    net, x, y = case
    model = foolbox.PyTorchModel(net, bounds=(-1, 1))
    attack = foolbox.attacks.LinfProjectedGradientDescentAttack(steps=20, rel_stepsize=0.125)
    _, theirs, _ = attack(model, x, y, epsilons=0.03)
    ours = wrong(net, PGD(eta=0.03, steps=20)(net, x, y), y).float().mean()
    assert ours >= wrong(net, theirs, y).float().mean() - 0.05


def test_autoattack_is_feasible_repeatable_and_no_weaker_than_fgsm(case):
    pytest.importorskip("pyautoattack")
    net, x, y = case
    attack = AutoAttack(eta=0.03, components=["apgd-ce", "apgd-t"])
    state = torch.get_rng_state()
    z = attack(net, x, y)
    assert torch.equal(torch.get_rng_state(), state) and torch.equal(z, attack(net, x, y))
    ours = wrong(net, PGD(eta=0.03, steps=40, restarts=3, loss="margin")(net, x, y), y).float().mean()
    assert ours - 0.05 <= wrong(net, z, y).float().mean() <= ours + 0.05
