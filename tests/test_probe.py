"""The probe at every checkpoint: what it measures, and that training does not notice it."""

import torch
from conftest import TINY
from problems import images
from safetensors.torch import load_file
from torch import nn

from mvm.attacks.fgsm import FGSM
from mvm.attacks.pgd import PGD
from mvm.games.game import Game
from mvm.games.probe import pgd_error, sensitivity
from mvm.risk import risk


class Shift(nn.Module):
    """z = x + dropout(v), one number a pixel."""

    def __init__(self, shape):
        super().__init__()
        self.v = nn.Parameter(0.1 * torch.randn(shape, dtype=torch.float64))
        self.drop = nn.Dropout(0.5)

    def forward(self, x, y):
        return x + self.drop(self.v)


def classifier(pixels, classes=10):
    net = nn.Sequential(nn.Flatten(), nn.Linear(pixels, 16), nn.Tanh(), nn.Linear(16, classes))
    return net.double()


def some(n):
    x, y = images()
    x, y = x.double().repeat(n // len(x) + 1, 1, 1, 1)[:n], y.repeat(n // len(y) + 1)[:n]
    return x + 0.1 * torch.rand_like(x), y


def test_pgd_on_the_first_hundred():
    x, y = some(130)
    g = classifier(x[0].numel())
    x, y = x.clamp(-1, 1), g(x).argmax(1)
    attack = FGSM(eta=0.1, box=False)
    z = PGD(eta=0.1, box=False, steps=10)(g, x, y)
    missed = (g(z).argmax(1) != y).double()
    assert abs(missed[:100].mean() - missed.mean()) > 1e-3  # else it would not show which images were taken
    torch.testing.assert_close(pgd_error(g, attack, x, y).double(), missed[:100].mean(), rtol=1e-6, atol=0)
    boxed = PGD(eta=0.6, box=True, steps=10)(g, x, y)[:100]
    error = (g(boxed).argmax(1) != y[:100]).double().mean()
    torch.testing.assert_close(pgd_error(g, FGSM(eta=0.6, box=True), x, y).double(), error, rtol=1e-6, atol=0)


def test_sensitivity_by_finite_differences():
    x, y = some(120)
    g, net = classifier(x[0].numel()), Shift(x.shape[1:])
    found = sensitivity(g, net, x, y)
    net.eval()
    slope = torch.zeros_like(net.v)
    with torch.no_grad():
        for i in range(net.v.numel()):
            ends = []
            for step in (1e-5, -1e-5):
                net.v.view(-1)[i] += step
                ends.append(risk(g(net(x[:100], y[:100])), y[:100]))
                net.v.view(-1)[i] -= step
            slope.view(-1)[i] = (ends[0] - ends[1]) / 2e-5
    torch.testing.assert_close(found, slope.square().sum(), rtol=1e-6, atol=0)


def test_nothing_is_left_behind():
    x, y = some(100)
    g, net = classifier(x[0].numel()), Shift(x.shape[1:])
    state = torch.get_rng_state()
    pgd_error(g, FGSM(eta=0.2), x, y)
    sensitivity(g, net, x, y)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(p.grad is None and p.requires_grad for p in [*g.parameters(), *net.parameters()])
    assert all(module.training for module in [*g.modules(), *net.modules()])


def test_training_does_not_notice(mvm, tmp_path, monkeypatch):
    weights = []
    for probe in (Game._probe, lambda self, x, y: {}):
        monkeypatch.setattr(Game, "_probe", probe)
        folder = mvm(
            "train",
            *TINY,
            "game=minimax",
            "attacks=[]",
            "budgets.mnist.game_iterations=20",
            f"outputs={tmp_path}/{len(weights)}",
        ).folder
        weights.append({f: load_file(folder / f"{f}.safetensors") for f in ("defender", "attacker")})
    one, other = weights
    assert all(torch.equal(one[f][name], other[f][name]) for f in one for name in one[f])
