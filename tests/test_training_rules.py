"""The rules about training curves: of the defender, and of an attack network."""

import pytest

from mvm.audit.checks.cells import converged
from mvm.audit.checks.curve import overfitting
from mvm.audit.checks.verdict import PASS, WARN


def curve(*rows):
    return [{"iteration": 10 * i, "val_error": 1 - own, "val_pgd_error": 1 - pgd} for i, (own, pgd) in enumerate(rows)]


@pytest.mark.parametrize(
    ("rows", "verdict"),
    [
        ([(0.4, 0.3), (0.6, 0.5), (0.9, 0.0)], WARN),
        ([(0.5, 0.4), (0.93, 0.8), (0.99, 0.1), (0.7, 0.7)], WARN),  # it recovers, but it happened
        ([(0.4, 0.3), (0.6, 0.5), (0.7, 0.55)], PASS),
        ([(0.4, 0.3), (0.6, 0.5), (0.5, 0.2)], PASS),  # both fall: unlucky, not overfitted
        ([(0.4, 0.04), (0.9, 0.0)], PASS),  # PGD never was resisted
    ],
)
def test_catastrophic_overfitting_is_seen_on_the_curve(rows, verdict):
    assert overfitting(curve(*rows)).verdict == verdict


def test_no_curve_no_verdict():
    assert overfitting([{"iteration": 10, "val_error": 0.2}]) is None and overfitting([]) is None


def learned(gained, lost, n=5000, attack="attnet", settings=None):
    found = {"iterations": [5, 10], "val_errors": [0.2, 0.2 + (gained - lost) / n], "n": n}
    report = {"doubled": found | {"gained": gained, "lost": lost}}
    return {"attack": attack, "settings": settings or {}, "report": report}


@pytest.mark.parametrize(
    ("cell", "verdict"),
    [
        (learned(60, 20), WARN),
        (learned(20, 60), WARN),  # it became worse: not converged either
        (learned(44, 20), PASS),  # 0.48 points
        (learned(25, 0), WARN),  # 0.5 points
        (learned(225, 200), PASS),  # 0.5 points, but within the interval
        (learned(260, 200), WARN),  # 1.2 points, beyond it
        (learned(4, 1, n=500), PASS),  # 0.6 points of few images
        (learned(18, 3, n=500), WARN),
        (learned(0, 0), PASS),
    ],
)
def test_a_network_whose_error_still_changes_is_marked(cell, verdict):
    (found,) = converged(cell)
    assert (found.id, found.verdict, found.attack) == ("E11", verdict, "attnet")
    assert found.numbers["low"] < found.numbers["change"] < found.numbers["high"]
    kept = cell["report"]["doubled"]
    assert found.numbers["change"] == pytest.approx(kept["val_errors"][1] - kept["val_errors"][0])


def test_what_did_not_note_its_half_is_not_judged_by_it():
    assert not list(converged({"attack": "attnet", "settings": {}}))
    assert not list(converged({"attack": "attnet_best", "settings": {}, "report": {"members": []}}))
    assert not list(converged(learned(600, 0, settings={"steps": 20})))  # PGD from a network
