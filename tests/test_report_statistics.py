"""Intervals that cover, verdicts that follow them."""

from pathlib import Path

import numpy as np
import pytest

from mvm.audit.wilson import wilson
from mvm.paper import read
from mvm.report import claims
from mvm.report.records import Score
from mvm.report.statistics import difference, interval

CLAIM = next(claim for claim in read("claims") if claim["id"] == "minimax-beats-alt")


def test_one_seed_is_wilsons():
    assert interval([0.2], 1000) == wilson(200, 1000)


def test_seeds_that_disagree_widen_it():
    agree, disagree = interval([0.2, 0.2, 0.2], 1000), interval([0.1, 0.2, 0.3], 1000)
    assert agree == wilson(200, 1000) and disagree[0] < agree[0] and disagree[1] > agree[1]
    assert disagree[1] - 0.2 == pytest.approx(4.303 * 0.1 / 3**0.5)
    assert interval([0.0, 1.0], 10) == (0.0, 1.0)


def test_the_interval_of_a_difference_covers():
    """Images of differing difficulty, shared by both sides: 95 in 100 intervals hold the truth."""
    generator = np.random.default_rng(5)
    covered, widths, unpaired = 0, [], []
    for _ in range(200):
        hard = generator.random(400) < 0.3
        left = (hard | (generator.random(400) < 0.10))[None]
        right = (hard | (generator.random(400) < 0.04))[None]
        d, low, high = difference(left, right)
        assert d == pytest.approx(left.mean() - right.mean(), abs=1e-6)
        covered += low <= 0.7 * 0.06 <= high
        widths.append(high - low)
        unpaired.append(2 * 1.96 * np.sqrt((left.var() + right.var()) / 400))
    assert 180 <= covered <= 199
    assert np.mean(widths) < 0.7 * np.mean(unpaired)  # pairing is what makes it narrow


def test_seeds_count():
    same = np.zeros((3, 400), bool)
    left = same.copy()
    left[0] = True  # one seed of three fails wholly
    _, low, high = difference(left, same)
    assert low == 0 and high > 0.6


def score(wrong):
    n = len(wrong)
    return Score("attnet", float(wrong.mean()), n, False, (n,), wrong, Path(), Path())


def verdict(minimax, alt, attack="attnet", attacker="printed"):
    pool = {("mnist", g, 0.3, attack): {0: score(w)} for g, w in (("minimax", minimax), ("alt", alt)) if w is not None}
    return claims._verdict(CLAIM, 0.3, pool, attacker).verdict


def test_verdicts():
    generator = np.random.default_rng(1)
    low, same, high = (generator.random(1000) < p for p in (0.1, 0.1, 0.5))
    assert verdict(low, high) == "supported"
    assert verdict(high, low) == "contradicted"
    assert verdict(low, same) == "inconclusive" == verdict(low, low)
    assert verdict(low, None) == verdict(None, None) == "not run"
    assert verdict(high, low, "attnet_best", "best") == "contradicted"
    assert verdict(high, low, "attnet_best", "printed") == "not run"
