"""The duality gap on a game whose equilibrium is known, and Lemma 1 on measured risks."""

import numpy as np
import pytest
import torch
from torch import nn

from mvm.attacks.loss import cross_entropy
from mvm.audit.best_defence import best_defence
from mvm.audit.checks.verdict import FAIL, PASS
from mvm.audit.gap import Risks, difference, duality_gap, lemma1


class Shift(nn.Module):
    """z = x + eta everywhere, but on one label only."""

    def forward(self, x, y):
        return x + 0.6 * (y == 0).view(-1, 1, 1, 1)


def two_classes(n=400):
    generator = torch.Generator().manual_seed(1)
    y = torch.arange(n) % 2
    return torch.randn(n, 1, 1, 1, generator=generator) * 0.05 + (y.view(-1, 1, 1, 1) - 0.5), y


def losses(u, z, y):
    with torch.no_grad():
        return cross_entropy(u(z), y).numpy()


def test_the_best_defence_lowers_its_risk_and_leaves_the_defender_alone():
    torch.manual_seed(0)
    u, v, (x, y) = nn.Sequential(nn.Flatten(), nn.Linear(1, 2)), Shift(), two_classes()
    before = {name: w.clone() for name, w in u.state_dict().items()}
    answer = best_defence(u, v, x, y, iterations=300, lambda_=0.3, batch_size=100)
    assert all(torch.equal(w, before[name]) for name, w in u.state_dict().items())
    assert losses(answer, v(x, y), y).mean() < 0.1 < losses(u, v(x, y), y).mean()
    again = best_defence(u, v, x, y, iterations=300, lambda_=0.3, batch_size=100)
    assert all(torch.equal(a, b) for a, b in zip(answer.parameters(), again.parameters(), strict=True))


def risks(attacked, own, answered, n=500):
    noise = np.random.default_rng(0).normal(size=n) * 0.1
    return Risks(own=own + noise, attacked=attacked + noise, answered=answered - noise, clean=noise)


def test_the_gap_and_its_direction():
    found = duality_gap(risks(1.0, 0.6, 0.2))
    assert found["gap"] == pytest.approx(0.8, abs=0.02) and found["gap_low"] < 0.8 < found["gap_high"] + 0.02
    assert found["direction"] == "lower bound" and found["attacked"] > found["own"] > found["answered"]


def test_lemma_1_holds_or_is_named():
    assert {c.verdict for c in lemma1(risks(1.0, 0.6, 0.2))} == {PASS}
    by_hand = [(0.5, 0.6, 0.2, "1.1"), (1.0, 0.6, 0.7, "1.3"), (0.6, 0.6, 0.7, "1.5")]
    for attacked, own, answered, item in by_hand:
        assert any(item in c.text for c in lemma1(risks(attacked, own, answered)) if c.verdict == FAIL)


def test_the_interval_of_a_difference_covers_95_percent():
    random = np.random.default_rng(1)
    hits = 0
    for _ in range(1000):
        a, b = random.exponential(1.1, 300), random.exponential(1.0, 300)
        _, low, high = difference(a, b)
        hits += low <= 0.1 <= high
    assert 0.93 < hits / 1000 < 0.97
