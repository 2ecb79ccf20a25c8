"""Verdicts on records made by hand, whose answers are known."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from mvm.audit.bootstrap import paired_bootstrap
from mvm.audit.checks.verdict import FAIL, WARN, Check
from mvm.audit.holm import holm
from mvm.audit.student import t95, two_sided
from mvm.paper import read
from mvm.report.claims import CONTRADICTED, INCONCLUSIVE, NOT_RUN, SUPPORTED, Verdict, corrected, judge
from mvm.report.compare import describe
from mvm.report.records import Entry, Score
from mvm.report.write import claims_text

N = 2000


def wrong(rate, seed=0, n=N):
    return np.random.default_rng(seed).permutation(n) < round(rate * n)


def records(errors, *, eta=0.3, data="mnist", seeds=(0,), spread=0.0, examples="abc", checks=()):
    """Entries of {game: {attack: error}}; the seeds' errors differ by `spread`."""
    out = []
    for game, attacks in errors.items():
        for k, seed in enumerate(seeds):
            scores = {}
            for attack, error in attacks.items():
                missed = wrong(error + spread * (k - (len(seeds) - 1) / 2), seed=len(out) + 100 * len(scores))
                scores[attack] = Score(
                    attack,
                    float(missed.mean()),
                    N,
                    False,
                    (N // 10,) * 10,
                    missed,
                    Path(),
                    Path(),
                    examples,
                    checks=checks,
                )
            out.append(Entry(Path(f"{game}{seed}"), Path(), data, game, eta, seed, "", "", scores, {}))
    return out


def verdict(entries, claim, eta=0.3, attacker="printed"):
    (found,) = [v for v in judge(entries) if (v.claim, v.eta, v.attacker) == (claim, eta, attacker)]
    return found


@pytest.mark.parametrize(
    ("minimax", "alt", "bad", "told"),
    [
        (0.1, 0.5, "minimax", INCONCLUSIVE),  # it may be larger than it looks
        (0.1, 0.5, "alt", SUPPORTED),  # all the more
        (0.5, 0.1, "minimax", CONTRADICTED),
        (0.5, 0.1, "alt", INCONCLUSIVE),
    ],
)
def test_a_struck_score_is_a_lower_bound(minimax, alt, bad, told):
    checks = (Check("E08", FAIL, "weak"),)
    errors = {"minimax": {"attnet": minimax}, "alt": {"attnet": alt}}
    entries = [one for game, e in errors.items() for one in records({game: e}, checks=checks if game == bad else ())]
    found = verdict(entries, "minimax-beats-alt")
    assert found.verdict == told and found.cautions[0].startswith("E08! weak: ")


def against_attnet(minimax, alt, **more):
    return records({"minimax": {"attnet": minimax}, "alt": {"attnet": alt}}, **more)


@pytest.mark.parametrize(
    ("minimax", "alt", "told"),
    [(0.1, 0.5, SUPPORTED), (0.5, 0.1, CONTRADICTED), (0.3, 0.305, INCONCLUSIVE), (0.3, 0.3, INCONCLUSIVE)],
)
def test_a_difference_decides(minimax, alt, told):
    found = verdict(against_attnet(minimax, alt), "minimax-beats-alt")
    assert found.verdict == told and found.difference == pytest.approx(minimax - alt, abs=1e-4)
    assert found.low <= found.difference <= found.high and found.seeds == 1
    assert found.cautions == ()
    assert verdict(against_attnet(minimax, alt), "minimax-beats-alt", eta=0.4).verdict == NOT_RUN


def test_what_was_not_run():
    assert all(v.verdict == NOT_RUN and v.p is None for v in judge([]))
    half = records({"minimax": {"attnet": 0.1}})
    assert verdict(half, "minimax-beats-alt").verdict == NOT_RUN
    assert len(judge([])) == len({(v.claim, v.eta, v.attacker) for v in judge([])}) > 50


def test_the_best_response_can_turn_a_verdict():
    """Minimax holds against the literal AttNet only; the best response breaks it more than it breaks Alt."""
    entries = records({"minimax": {"attnet": 0.1, "attnet_best": 0.9}, "alt": {"attnet": 0.5, "attnet_best": 0.6}})
    assert verdict(entries, "minimax-beats-alt").verdict == SUPPORTED
    assert verdict(entries, "minimax-beats-alt", attacker="best").verdict == CONTRADICTED
    literal = against_attnet(0.1, 0.5)
    assert verdict(literal, "minimax-beats-alt", attacker="best").verdict == NOT_RUN
    assert not [v for v in judge(literal) if v.claim == "sens-beats-lwa" and v.attacker == "best"]


def test_a_claim_against_a_number():
    for error, told in ((0.2, SUPPORTED), (0.8, CONTRADICTED), (0.5, INCONCLUSIVE)):
        assert verdict(records({"minimax": {"fgsm": error}}), "minimax-moderate").verdict == told


@pytest.mark.parametrize(("jump", "told"), [(0.3, SUPPORTED), (0.1, INCONCLUSIVE), (0.02, CONTRADICTED)])
def test_a_margin(jump, told):
    """Still oscillating: by more than 0.1."""
    found = verdict(records({"cat_mouse": {"fgsm": 0.01 + jump, "fgsm80": 0.01}}), "still-oscillates")
    assert found.verdict == told and found.difference == pytest.approx(jump, abs=1e-4)
    assert found.margin == 0.1 and found.low <= found.difference <= found.high
    assert f"{found.difference:+.3f} [" in claims_text([found], "smoke") and "], margin +0.1, p " in claims_text(
        [found], "smoke"
    )


@pytest.mark.parametrize(
    ("sens", "told"), [(0.9, SUPPORTED), (0.49, SUPPORTED), (0.1, CONTRADICTED), (0.45, INCONCLUSIVE)]
)
def test_a_claim_of_all_cases(sens, told):
    """AttNet is better than or comparable to FGSM (0.5) in all cases: the fourth decides."""
    games = {name: {"attnet": 1.0, "fgsm": 0.5} for name in ("undefended", "adv_fgsm1", "cat_mouse")}
    found = verdict(records(games | {"sens_fgsm": {"attnet": sens, "fgsm": 0.5}}), "attnet-comparable")
    assert found.verdict == told and found.difference == pytest.approx(sens - 0.5, abs=1e-4)
    assert len(found.pairs) == 4
    if told == CONTRADICTED:  # one of four tries
        assert found.p >= 3.99 * found.pairs[3].p
    assert verdict(records(games), "attnet-comparable").verdict == NOT_RUN


def test_seeds_that_disagree_settle_nothing():
    """Three seeds with 10 points between them: an interval over the images alone would call it supported."""
    agree = against_attnet(0.30, 0.36, seeds=(0, 1, 2), spread=0.002)
    disagree = against_attnet(0.30, 0.36, seeds=(0, 1, 2), spread=0.002)
    for entry in disagree:
        if entry.game == "alt":
            missed = wrong(0.36 + 0.1 * (entry.seed - 1))
            entry.scores["attnet"] = dataclasses.replace(entry.scores["attnet"], wrong=missed)
    for entries, told in ((agree, SUPPORTED), (disagree, INCONCLUSIVE)):
        found = verdict(entries, "minimax-beats-alt")
        assert found.verdict == told and found.seeds == 3 and found.cautions == ()


def test_holm_over_the_family():
    """0.01, 0.04, 0.03, 0.005 become 0.03, 0.06, 0.06, 0.02; what was not run counts for nothing."""
    family = [(Verdict("a", 0.3, "printed", p=p), k % 2 == 0) for k, p in enumerate((0.01, 0.04, 0.03, 0.005))]
    found = corrected([(Verdict("b", 0.3, "printed"), False), *family])
    assert [v.verdict for v in found] == [NOT_RUN, SUPPORTED, INCONCLUSIVE, INCONCLUSIVE, CONTRADICTED]
    assert [v.p for v in found[1:]] == pytest.approx(holm([0.01, 0.04, 0.03, 0.005]))
    assert [v.leans for v in found] == ["", "", "against", "for", ""]
    assert corrected([(Verdict("a", 0.3, "printed", p=0.05), True)])[0].leans == ""


def test_a_verdict_is_corrected_for_the_others():
    """A difference that is significant by itself and no longer among many that are not."""
    alone = against_attnet(0.30, 0.339)
    noise = [records({"sens_fgsm": {"fgsm": 0.3}, "lwa_fgsm": {"fgsm": 0.3}}, eta=eta) for eta in (0.3, 0.4, 0.5, 0.6)]
    noise += [records({"minimax": {"fgsm": 0.5}}, eta=eta) for eta in (0.4, 0.5, 0.6)]
    one, many = (verdict(e, "minimax-beats-alt") for e in (alone, alone + [e for part in noise for e in part]))
    assert one.verdict == SUPPORTED and (many.verdict, many.leans) == (INCONCLUSIVE, "for")
    assert (one.low, one.high) == (many.low, many.high) and one.high < 0 and many.p == pytest.approx(8 * one.p)


def test_other_images_are_not_compared():
    mixed = records({"minimax": {"attnet": 0.1}}) + records({"alt": {"attnet": 0.5}}, examples="other")
    assert verdict(mixed, "minimax-beats-alt").verdict == NOT_RUN
    some = against_attnet(0.1, 0.5, seeds=(0, 1)) + against_attnet(0.1, 0.5, seeds=(2,), examples="other")
    assert verdict(some, "minimax-beats-alt").seeds == 2


def test_an_attack_of_other_settings_on_either_side_is_told():
    entries = against_attnet(0.1, 0.9, seeds=(0, 1))
    for entry in entries:
        settings = {"iterations": 400, "seed": entry.seed}
        entry.scores["attnet"] = dataclasses.replace(entry.scores["attnet"], cell={"settings": settings})
    assert verdict(entries, "minimax-beats-alt").cautions == ()
    entries[-1].scores["attnet"].cell["settings"]["iterations"] = 30_000
    (caution,) = verdict(entries, "minimax-beats-alt").cautions
    assert caution.startswith("≠ the attack's settings are not the same on both sides")


def test_one_class_everywhere_is_told():
    entries = against_attnet(0.1, 0.9, checks=(Check("E17", WARN, "one class is answered nearly everywhere"),))
    cautions = verdict(entries, "minimax-beats-alt").cautions
    assert "E17 one class is answered nearly everywhere: Alt against AttNet-curr" in cautions
    told = claims_text(judge(entries), "smoke")
    assert "); E17" in told and told.count("one class is answered nearly everywhere") == 1


def test_every_claim_says_what_it_compares():
    for claim in read("claims"):
        assert all(len(describe(pair)) > 20 for pair in claim["pairs"])
    (pair,) = next(c for c in read("claims") if c["id"] == "still-oscillates")["pairs"]
    assert describe(pair) == "Adv FGSM80 against FGSM-curr above Adv FGSM80 against FGSM80 + 0.1"


def test_students_t():
    """Against tables: 97.5 % points, and 1 degree of freedom is Cauchy's distribution."""
    for freedom, point in ((1, 12.706), (2, 4.303), (4, 2.776), (10, 2.228), (16, 2.120), (60, 2.000)):
        assert t95(freedom) == pytest.approx(point, abs=5e-4)
    assert two_sided(1.0, 1) == pytest.approx(0.5) and two_sided(0.0, 7) == 1.0 and two_sided(float("inf"), 2) == 0.0
    assert two_sided(9.925, 2) == pytest.approx(0.01, abs=1e-5) == two_sided(-3.355, 8)


@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_few_seeds_find_no_difference_by_chance(seeds):
    """Two defences alike, whose seeds differ: without Student's t 25 % were found for 2 seeds, 15 % for 3."""
    random = np.random.default_rng(seeds)
    hits, strict, n = 0, 0, 5000
    for _ in range(200):
        rates = (0.2 + 0.03 * random.normal(size=(2, seeds, 1))).clip(0.01, 0.9)
        a, b = random.random((2, seeds, n), dtype=np.float32) < rates
        found = paired_bootstrap(a, b, draws=1000)
        hits, strict = hits + (found.p < 0.05), strict + (found.p < 0.005)
        assert (found.low > 0 or found.high < 0) <= (found.p < 0.06)
    assert hits <= 18 and strict <= 4  # of 200; 10 and 1 are expected at most
