"""The table that mvm.train prints is judged as a report is: from the records alone, what failed is a bound."""

import pytest
from conftest import TINY

from mvm.attacks.fgsm import FGSM
from mvm.audit.checks.verdict import FAIL, WARN, Check
from mvm.digest import digest_of
from mvm.recorded import EDITION, keep

GAME = (*TINY, "game=undefended", "attacks=[none,noise,fgsm]", "budgets.mnist.undefended.iterations=120")


def shown(result):
    """The places of the table's only row: errors, or bounds with the ids of what failed."""
    assert result.status == 0, result.err
    (row,) = [line for line in result.out.splitlines() if line.startswith("│ undefended")]
    return [place.strip() for place in row.strip("│\n").split("│")[1:]]


def told(result, verdict):
    return [line for line in result.out.splitlines() if line.startswith(f"{verdict} ")]


def plain(place):
    return place.replace(".", "").isdigit()


def test_an_attack_that_failed_is_a_bound(mvm, monkeypatch):
    monkeypatch.setattr(FGSM, "perturb", lambda self, g, x, y: x + self.eta + 1e-3)
    result = mvm("train", *GAME)
    none, noise, fgsm = shown(result)
    assert plain(none) and plain(noise)
    assert fgsm == f">={none} E01 E07" or fgsm == f">={none} E01"  # its images count as clean ones: below noise, maybe
    assert told(result, "fail")[0].startswith("fail E01: left the threat model: FGSM moved a pixel by 0.301")
    assert " / fgsm)" in told(result, "fail")[0] and result.out.rstrip().endswith(result.folder.name)


@pytest.fixture
def run(mvm):
    return mvm("train", *GAME).folder


def found(run, **other):
    checks = [Check("E05", FAIL, "zero input gradients: masked"), Check("E11", WARN, "doubling PGD")]
    asked = {"edition": EDITION, "of": digest_of(run / "defender.safetensors"), "eta": 0.3, "images": 9, "iterated": {}}
    keep(run, asked | other, checks)


def test_what_evaluate_found_strikes_the_table_without_another_attack(mvm, run):
    before = mvm("train", *GAME)
    assert all(map(plain, shown(before))) and not told(before, "fail") and not told(before, "warn")
    found(run)
    result = mvm("train", *GAME)
    assert "nothing to do" in result.out
    assert shown(result) == [f">={error} E05" for error in shown(before)]
    assert told(result, "fail") == ["fail E05: zero input gradients: masked (mnist5k undefended eta0.3 seed0)"]
    (warned,) = told(result, "warn")
    assert warned.startswith("warn E11 (") and f"python -m mvm.evaluate runs={run} 'attacks=[" in warned


@pytest.mark.parametrize("other", [{"of": "x"}, {"eta": 0.4}, {"edition": EDITION - 1}])
def test_what_was_found_on_something_else_strikes_nothing(mvm, run, other):
    found(run, **other)
    assert all(map(plain, shown(mvm("train", *GAME))))


def test_nobody_is_told_of_a_worst_case_that_is_not_shown(mvm, run):
    assert "E20" not in mvm("train", *GAME).out  # no unseen attack was scored
    assert all("E27" in place for place in shown(mvm("train", *GAME, "attacks=[noise,fgsm]")))
