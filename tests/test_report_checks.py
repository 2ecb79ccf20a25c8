"""A report strikes what the checks strike: on records made by hand, whose findings are known."""

import numpy as np
import pytest
from records import HONEST, N, Records, cell, ids

from mvm.audit.bits import pack
from mvm.audit.checks.grid import twin_broken
from mvm.audit.checks.verdict import FAIL, WARN, Check
from mvm.recorded import EDITION, keep

SHOWN = {"clean": "none", "noise": "noise", "fgsm_curr": "fgsm", "attnet_curr": "attnet"}
SHOWN |= {name: name for name in ("fgsm_box", "pgd")}


def but(*cells):
    """HONEST with these in place of its own."""
    return tuple(({c["attack"]: c for c in HONEST} | {c["attack"]: c for c in cells}).values())


@pytest.fixture
def records(tmp_path):
    return Records(tmp_path)


def kept(folder, *checks, of="w", eta=0.3, edition=EDITION, pgd=None):
    iterated = {"pgd": pgd or cell("pgd", 0)["settings"]}
    keep(folder, {"edition": edition, "of": of, "eta": eta, "images": 500, "iterated": iterated}, list(checks))


def test_honest_records_are_plain_numbers_with_badges(records):
    records.add(*HONEST)
    lines, text = records.show()
    assert lines.keys() == SHOWN.keys()
    for line in lines.values():
        assert 0 < float(line["ours"]) < 1 and "!" not in line["checks"] and "E30" in ids(line)
    assert ids(lines["pgd"]) == {"E30"} and ids(lines["attnet_curr"]) == {"E30", "E19"}  # one network
    assert ">=0" not in text and "0.450 [0.419, 0.481] E19" in text
    assert "At every cell: E30." in text and "- E30: fewer than 3 seeds" in text
    assert "1 of its runs are judged by their records alone" in text


@pytest.mark.parametrize(
    ("planted", "attack", "found"),
    [
        (cell("pgd", 0.1), "pgd", "E06!"),  # below FGSM
        (cell("fgsm", 0.01), "fgsm_curr", "E15!"),  # below clean images
        (cell("fgsm", 0.01), "fgsm_curr", "E07!"),  # below noise
        (cell("fgsm", 0.05, infeasible="moved a pixel by 0.301"), "fgsm_curr", "E01!"),
        (cell("attnet", 0.45, reach=0.1), "attnet_curr", "E18!"),
        (cell("attnet", 0.45, spread=0.0), "attnet_curr", "E18"),
        (cell("attnet", 0.1), "attnet_curr", "E34"),  # PGD does more
        (cell("fgsm", 0.9, predicted=[N, *[0] * 9]), "fgsm_curr", "E17"),
        (cell("pgd", 0.4, error_8bit=0.3), "pgd", "E29"),
        (cell("pgd", 0.4, weights="other"), "pgd", "E23!"),
        (cell("pgd", 0.4, settings={"_target_": "mvm.attacks.pgd.PGD", "steps": 2, "step": 0.01}), "pgd", "E12!"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_weak_cell_is_named_by_its_record(records, planted, attack, found):
    folder = records.add(*but(planted))
    (folder / "weights.txt").write_text("w")  # as in records carried from elsewhere
    lines, text = records.show()
    assert found in ids(lines[attack])
    assert lines[attack]["ours"].startswith(">=") == found.endswith("!")
    if found.endswith("!"):
        assert f">={planted['error']:.3f} " in text and lines[attack]["difference"] == ""
        assert found[:-1] in text


def test_noise_is_no_attack_that_could_leak_labels(records):
    records.add(*but(cell("none", 0.5), cell("noise", 0.3)))
    lines, text = records.show()
    assert lines["noise"]["ours"] == "0.3" and "E15!" in ids(lines["fgsm_curr"])
    assert "\n- E15!: adversarial error below" in text and "\n\nThe paper's numbers disagree here:\n\n- " in text


def test_no_clean_error_and_other_images_strike_all(records):
    records.add(*(c for c in HONEST if c["attack"] != "none"))
    lines, _ = records.show()
    assert all("E27!" in ids(line) and line["ours"].startswith(">=") for line in lines.values())
    records.add(*but(cell("pgd", 0.4, examples="others")))
    lines, _ = records.show()
    assert all("E24!" in ids(line) and line["ours"].startswith(">=") for line in lines.values())


def test_the_clean_error_may_stand_in_another_table(records):
    records.add(HONEST[0], table="table1")
    records.add(*HONEST[1:])
    assert "E27!" not in ids(records.show()[0]["pgd"])


def test_scores_on_a_part_of_the_images_do_not_strike_those_on_all(records):
    records.add(*HONEST)
    plain, _ = records.show()
    part = [
        {**one, "examples": "part", "n": 100, "wrong": pack(np.arange(100) < round(one["error"] * 100))}
        for one in HONEST
    ]
    records.add(*part, table="table4", place="cells-100")
    mine, _ = records.show(to="both")
    assert mine == plain and mine["fgsm_curr"]["n"] == "1000"
    records.add(*HONEST, seed=1)
    records.add(*part, seed=2, place="cells-100")
    assert records.show(to="mixed")[0]["fgsm_curr"]["n"] == "100"  # the interval is that of the fewest


MASKED = Check("E05", FAIL, "zero input gradients: masked")


def test_what_evaluate_found_on_the_classifier_strikes_it(records):
    kept(records.add(*HONEST), MASKED, Check("E11", WARN, "twice the steps", attack="pgd"))
    lines, text = records.show()
    assert all(line["ours"].startswith(">=") and "E05!" in ids(line) for line in lines.values())
    assert "E11" in ids(lines["pgd"]) and "E11" not in ids(lines["fgsm_curr"])
    assert ">=0.400 E05" in text and "judged by their records alone" not in text


@pytest.mark.parametrize("other", [{"of": "x"}, {"eta": 0.4}, {"edition": EDITION - 1}])
def test_findings_on_something_else_are_not_taken(records, other):
    kept(records.add(*HONEST), MASKED, **other)
    lines, text = records.show()
    assert "E05!" not in ids(lines["pgd"]) and "judged by their records alone" in text


def test_findings_on_an_attack_of_other_settings_are_not_taken(records):
    found = Check("E11", WARN, "twice the steps", attack="pgd"), MASKED
    kept(records.add(*HONEST), *found, pgd={"steps": 1})
    assert "E11" not in ids(records.show()[0]["pgd"]) and "E05!" in ids(records.show()[0]["pgd"])


def test_one_bad_seed_strikes_the_mean_and_three_seeds_are_enough(records):
    folders = [records.add(*HONEST, seed=seed) for seed in range(3)]
    lines, _ = records.show()
    assert "E30" not in ids(lines["pgd"]) and lines["pgd"]["ours"] == "0.4"
    assert lines["pgd"]["command"] == "python -m mvm.train game=minimax seed=0,1,2 table=table5"
    kept(folders[1], MASKED)
    assert records.show()[0]["pgd"]["ours"] == ">=0.4000"


def test_a_check_that_says_two_things_says_both(records):
    kept(records.add(*HONEST), *(Check("E11", WARN, f"twice the {of}", attack="pgd") for of in ("steps", "restarts")))
    text = records.show()[1]
    assert "- E11: twice the steps" in text and "- E11: twice the restarts" in text


def test_an_unbroken_undefended_net_strikes_its_data_set(records):
    kept(records.add(*HONEST, table="table1", game="undefended"), twin_broken(0.5, 0.6))
    records.add(*HONEST)
    assert records.show()[0]["pgd"]["ours"] == ">=0.4000"


def test_older_scores_say_so(records):
    old = cell("pgd", 0.4)
    for key in ("wrong", "settings", "weights"):
        del old[key]
    records.add(*but(old))
    line = records.show()[0]["pgd"]
    assert "E23: does not say on which weights" in line["checks"] and line["ours"] == "0.4"


def test_the_records_carry_what_was_found(records):
    folder = records.add(*HONEST)
    kept(folder, MASKED)
    first = records.show()
    for part in ("runs", "exhibits"):
        (records.outputs / part).rename(records.outputs / f"gone {part}")
    assert records.show() == first and ">=0.4000" in str(first)


def test_a_claim_says_which_checks_its_scores_failed(records):
    kept(records.add(*HONEST), MASKED)
    records.add(*HONEST, game="undefended")
    records.show()
    told = (records.outputs / "to/claims.md").read_text()
    assert "seed); E05!" in told and told.rstrip().endswith("- E05! zero input gradients: masked")
    page = (records.outputs / "to/index.html").read_text()
    assert '"struck": "E05"' in page
