"""Closed forms on linear classifiers, and what must hold for every attack in the folder."""

import pytest
import torch
from conftest import compose, options
from problems import Linear, images
from torch import nn

from mvm.attacks.attack import Attack, wrong
from mvm.attacks.attnet import AttNet, AttNetAttack
from mvm.attacks.fgm import FGM
from mvm.attacks.fgsm import FGSM
from mvm.attacks.ifgsm import IFGSM
from mvm.attacks.noise import Noise
from mvm.attacks.pgd import PGD
from mvm.build import build
from mvm.threat import HIGH, LOW, Infeasible

ATTACKS = options("attack")


class Net(nn.Module):
    """A small image classifier with everything an attack could disturb: dropout, batch norm, modes."""

    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(1, 4, 5, stride=3),
            nn.BatchNorm2d(4),
            nn.ReLU(),
            nn.Flatten(),
            nn.Dropout(0.5),
            nn.Linear(256, 10),
        )

    def forward(self, x):
        return self.net(x)


def some_images(n=12):
    generator = torch.Generator().manual_seed(3)
    return torch.rand(n, 1, 28, 28, generator=generator) * 2 - 1, torch.arange(n) % 10


def make(name: str, **settings) -> Attack:
    config = compose("data=mnist5k", "profile=smoke", f"attacks=[{name}]", "eta=0.3")["attacks"][name]
    return build(config | {k: v for k, v in settings.items() if k in config})


# ---- every attack in conf/attack


@pytest.mark.parametrize("box", [False, True])
@pytest.mark.parametrize("eta", [0.0, 0.1, 0.6, 2.0])
@pytest.mark.parametrize("name", ATTACKS)
def test_stays_in_the_ball_and_the_box(name, eta, box):
    attack, (x, y) = make(name, eta=eta, box=box), some_images()
    z = attack(Net(), x, y)
    assert z.shape == x.shape and z.dtype == x.dtype and not z.requires_grad and torch.isfinite(z).all()
    assert (z - x).abs().max() <= attack.eta * (1 + 1e-5) + 1e-6
    if attack.box:
        assert z.min() >= LOW and z.max() <= HIGH


@pytest.mark.parametrize("name", ATTACKS)
def test_leaves_no_trace(name):
    net, (x, y) = Net(), some_images()
    net.net[1].eval()  # a mixture of modes, to be found again
    modes = [m.training for m in net.modules()]
    weights = {k: w.clone() for k, w in net.state_dict().items()}
    mine = x.clone()
    state = torch.get_rng_state()
    make_attack = make(name)
    torch.set_rng_state(state)
    make_attack(net, x, y)
    assert torch.equal(torch.get_rng_state(), state)
    assert [m.training for m in net.modules()] == modes
    assert all(p.grad is None and p.requires_grad for p in net.parameters())
    assert all(torch.equal(w, weights[k]) for k, w in net.state_dict().items())
    assert torch.equal(x, mine) and not x.requires_grad


@pytest.mark.parametrize("name", ATTACKS)
def test_an_images_result_does_not_depend_on_its_batch(name):
    """In float64, where the rounding of a differently sized convolution does not flip a sign."""
    torch.manual_seed(5)
    attack, net, (x, y) = make(name), Net().double(), some_images()
    if isinstance(attack, AttNetAttack):
        attack.net.double()
    x = x.double()
    whole = attack(net, x, y)
    parts = torch.cat([attack(net, x[:5], y[:5]), attack(net, x[5:6], y[5:6]), attack(net, x[6:], y[6:])])
    torch.testing.assert_close(whole, parts, atol=1e-9, rtol=0)
    assert attack(net, x[:0], y[:0]).shape == (0, 1, 28, 28)


@pytest.mark.parametrize("name", ATTACKS)
def test_same_seed_same_images(name):
    net, (x, y) = Net(), some_images()
    torch.manual_seed(1)
    first = make(name)(net, x, y)
    torch.manual_seed(1)
    assert torch.equal(first, make(name)(net, x, y))


@pytest.mark.parametrize("name", ATTACKS)
def test_works_under_no_grad(name):
    net, (x, y) = Net(), some_images()
    with torch.no_grad():
        z = make(name)(net, x, y)
    assert torch.isfinite(z).all()


def test_an_attack_that_cheats_is_caught():
    class Cheat(Attack):
        def perturb(self, classifier, x, y):
            return x + self.eta + 1e-3

    with pytest.raises(Infeasible, match="Cheat moved a pixel"):
        Cheat(eta=0.3, box=False)(Net(), *some_images())


# ---- closed forms


def test_fgsm_on_a_linear_classifier_is_optimal():
    """Two classes: the loss is monotone in (w_1 - w_0) x, so the best z is x + eta sign of +-(w_1 - w_0)."""
    g, (x, y) = Linear(classes=2), images(classes=2)
    w = g.layer.weight
    direction = torch.where(y == 0, 1.0, -1.0)[:, None] * (w[1] - w[0]).sign()
    best = x + 0.3 * direction.view_as(x)
    torch.testing.assert_close(FGSM(eta=0.3)(g, x, y), best)
    torch.testing.assert_close(IFGSM(eta=0.3, box=False)(g, x, y), best)
    torch.testing.assert_close(PGD(eta=0.3, box=False, steps=20)(g, x, y), best)
    torch.testing.assert_close(FGSM(eta=0.3, box=True)(g, x, y), best.clamp(-1, 1))


def test_fgm_is_eq4():
    """dl/dx = W^T (softmax - onehot) for a linear classifier."""
    g, (x, y) = Linear(), images()
    p = torch.softmax(g(x), 1) - torch.nn.functional.one_hot(y, 3)
    expected = x + 0.05 * (p @ g.layer.weight).view_as(x)
    torch.testing.assert_close(FGM(eta=0.05)(g, x, y), expected.detach().clamp(x - 0.05, x + 0.05))


def test_ifgsm_with_one_full_step_is_boxed_fgsm():
    g, (x, y) = Linear(), images()
    torch.testing.assert_close(IFGSM(eta=0.3, steps=1)(g, x, y), FGSM(eta=0.3, box=True)(g, x, y))


def test_noise_is_every_pixels_fair_coin():
    x, y = some_images(200)
    s = (Noise(eta=0.3)(Net(), x, y) - x) / 0.3
    assert torch.allclose(s.abs(), torch.ones_like(s), atol=1e-5)
    assert abs(s.mean().item()) < 4 / s.numel() ** 0.5
    per_pixel = s.mean(0)
    assert per_pixel.abs().max() < 5 / 200**0.5  # no pixel has a preferred sign
    assert not torch.equal(s, (Noise(eta=0.3, seed=1)(Net(), x, y) - x) / 0.3)


def test_more_restarts_are_never_weaker():
    torch.manual_seed(0)
    net, (x, y) = Net().eval(), some_images(100)
    rates = []
    caught = torch.zeros(100, dtype=torch.bool)
    for restarts in (1, 2, 4):
        now = wrong(net, PGD(eta=0.02, steps=2, restarts=restarts)(net, x, y), y)
        assert (now | ~caught).all()  # an image once broken stays broken
        caught = now
        rates.append(now.float().mean().item())
    assert rates == sorted(rates)


@pytest.mark.parametrize(
    ("attack", "settings"), [(PGD, {"steps": 0}), (PGD, {"restarts": 0}), (IFGSM, {"steps": 0}), (FGSM, {"eta": -1})]
)
def test_impossible_settings_are_refused(attack, settings):
    with pytest.raises(ValueError, match="steps=|restarts=|eta="):
        attack(**{"eta": 0.3, **settings})


# ---- AttNet


def test_attnet_has_the_papers_shape():
    assert sum(p.numel() for p in AttNet((1, 28, 28), eta=0.3).parameters()) == 655_084
    assert sum(p.numel() for p in AttNet((3, 32, 32), eta=0.1).parameters()) == 2_030_172


def test_attnet_learns_the_best_attack_on_a_linear_classifier():
    """On two classes the best perturbation depends on the label alone, so Eq. (9) can reach FGSM's loss."""
    torch.manual_seed(0)
    g, (x, y) = Linear(classes=2), images(256, classes=2)
    attack = AttNetAttack(x.shape[1:], eta=0.3, hidden=30, dropout=0.0, iterations=300, batch_size=64, sigma=1e-2)
    x = x.float()
    g.float()
    state = torch.get_rng_state()
    attack.fit(g, x, y)
    assert torch.equal(torch.get_rng_state(), state)
    reached, best = attack(g, x, y), FGSM(eta=0.3)(g, x, y)
    loss = torch.nn.functional.cross_entropy
    assert loss(g(reached), y) > loss(g(x), y) + 0.95 * (loss(g(best), y) - loss(g(x), y))
    again = AttNetAttack(x.shape[1:], eta=0.3, hidden=30, dropout=0.0, iterations=300, batch_size=64, sigma=1e-2)
    again.fit(g, x, y)
    assert torch.equal(again(g, x, y), reached)
