"""What must hold for every attack in conf/attack, found by listing the folder."""

import importlib.util

import pytest
import torch
from conftest import compose, options
from problems import Net, some_images
from torch import nn

from mvm.attacks.attack import Attack
from mvm.build import build
from mvm.threat import HIGH, LOW, Infeasible


def _installed(name):
    return name != "autoattack" or importlib.util.find_spec("pyautoattack") is not None


ATTACKS = [
    pytest.param(name, marks=pytest.mark.skipif(not _installed(name), reason="pyautoattack is not installed"))
    for name in options("attack")
]


def make(name: str, **settings) -> Attack:
    config = compose("data=mnist5k", "profile=smoke", f"attacks=[{name}]", "eta=0.3")["attacks"][name]
    if name == "autoattack":
        config["components"] = ["apgd-ce"]
    return build(config | {k: v for k, v in settings.items() if k in config})


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


def nets_to_double(part) -> None:
    """Every network inside an attack, however deep."""
    for value in vars(part).values():
        if isinstance(value, nn.Module):
            value.double()
        elif type(value).__module__.startswith("mvm."):
            nets_to_double(value)


@pytest.mark.parametrize("name", ATTACKS)
def test_an_images_result_does_not_depend_on_its_batch(name):
    """In float64, where the rounding of a differently sized convolution does not flip a sign."""
    if name == "autoattack":
        pytest.skip("one generator runs over its whole batch")
    torch.manual_seed(5)
    attack, net, (x, y) = make(name), Net().double(), some_images()
    nets_to_double(attack)
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
