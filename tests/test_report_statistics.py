"""Verdicts that follow their intervals."""

from pathlib import Path

import numpy as np

from mvm.paper import read
from mvm.report import claims
from mvm.report.records import Score

CLAIM = next(claim for claim in read("claims") if claim["id"] == "minimax-beats-alt")


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
