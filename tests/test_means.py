"""Several grids as one table."""

import csv
from dataclasses import replace

import pytest
from test_bad_input import assert_one_line
from test_grid import line

from mvm.audit.means import mean, table
from mvm.errors import UserError
from mvm.evaluation import COLUMNS, write_grid
from mvm.means import read


def row(attack="pgd", error="0.5", *, seed=0, settings="a", eta="0.6", checks="", n="1000", variant=""):
    names = dict(data="mnist", defense="minimax", variant=variant, settings=settings, attack=attack, eta=eta)
    out = names | dict(run=f"{settings}{eta}-{seed}", seed=str(seed), error=error, n=n, checks=checks)
    return out | dict(
        box=str(attack == "pgd"), training_s=str(100 + 20 * seed), profile="short", ci_low="0", ci_high="1"
    )


def write(file, *rows):
    with open(file, "w", newline="") as text:
        writer = csv.DictWriter(text, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    return str(file)


def test_the_mean_over_seeds():
    rows = [row(error="0.5"), row("worst", "0.7"), row(error="0.2", seed=1), row("none", "0.01", seed=1)]
    fewer = "[1 of 2 seeds]"
    assert table([*rows, row(error="0.9", settings="b", variant="gamma=0.0")]).splitlines() == [
        "| defence | seeds | pgd [box] | none | worst | training, s |",
        "| --- | --- | --- | --- | --- | --- |",
        f"| mnist minimax eta0.6 | 2 | 0.3500 (0.2000 to 0.5000) | 0.0100 {fewer} | 0.7000 {fewer} | 110 |",
        "| mnist minimax gamma=0.0 eta0.6 | 1 | 0.9000 |  |  | 100 |",
    ]


def test_a_grid_of_several_seeds_ends_with_their_means(tmp_path):
    cell = {"attack": "pgd", "box": True, "error": 0.25, "n": 8, "ci_low": 0.1, "ci_high": 0.5}
    cell["settings"] = {"_target_": "mvm.attacks.pgd.PGD"}  # of the attack, not the run
    lines = [replace(line(seed, attacks=()), cells={"pgd": cell}) for seed in (0, 1)]
    for one in lines:
        one.config["profile"] = "short"
    write_grid(lines[:1], [], tmp_path, "command")
    assert "Mean" not in (tmp_path / "grid.md").read_text()
    write_grid(lines, [], tmp_path, "command")
    assert "| mnist minimax eta0.3 | 2 | 0.2500 (0.2500 to 0.2500) |" in (tmp_path / "grid.md").read_text()
    assert len({row["settings"] for row in read([str(tmp_path / "grid.csv")])}) == 1


def test_other_etas_and_settings_are_other_defences():
    lines = table([row(), row(eta="0.3", seed=1), row(settings="b", seed=2)]).splitlines()[2:]
    assert [line.split("|")[2].strip() for line in lines] == ["1", "1", "1"]


def test_a_struck_seed_makes_the_mean_a_bound():
    assert mean([row(error=">=0.2000", checks="E19! E30"), row(error="0.4", seed=1, checks="E30")], 2) == (
        ">=0.3000 (0.2000 to 0.4000) E19"
    )
    assert mean([], 2) == "" and mean([row(error="0.1234", checks="E30")], 1) == "0.1234"


def test_a_worst_over_other_attacks_makes_the_mean_a_bound():
    alike = [row(error="0.1"), row("worst", "0.1"), row(error="0.3", seed=1), row("worst", "0.3", seed=1)]
    assert table(alike).splitlines()[2].split("|")[4].strip() == "0.2000 (0.1000 to 0.3000)"
    more = table([*alike, row("autoattack", "0.5", seed=1)]).splitlines()[2]
    assert more.split("|")[5].strip() == ">=0.2000 (0.1000 to 0.3000) [not of the same attacks]"


def test_two_runs_of_a_seed_are_no_two_seeds():
    again = row(error="0.4") | {"run": "the same on another machine"}
    assert mean([row(error="0.2"), again], 1) == "0.3000 (0.2000 to 0.4000) [2 runs of 1 seed]"
    assert mean([row(error="0.2"), again, row(error="0.3", seed=1)], 3).endswith("[2 of 3 seeds] [3 runs of 2 seeds]")


def test_later_grids_replace_what_earlier_ones_have(tmp_path):
    first = write(tmp_path / "a.csv", row(error="0.1"), row(error="0.3", seed=1))
    second = write(tmp_path / "b.csv", row(error="0.5"))
    assert sorted(float(r["error"]) for r in read([first, second])) == [0.3, 0.5]


def test_of_two_grids_the_one_named_later_counts(tmp_path, mvm):
    new, old = write(tmp_path / "new.csv", row(error="0.1")), write(tmp_path / "old.csv", row(error="0.5"))
    for grids, error in (((new, old), "0.5000"), ((old, new), "0.1000"), ((f"{tmp_path}/*.csv", new), "0.1000")):
        assert error in mvm("means", f"grids=[{','.join(grids)}]").out


def test_a_worst_case_over_fewer_attacks_than_its_line_has_is_a_bound(tmp_path):
    first = write(tmp_path / "a.csv", row(error="0.10"), row("autoattack", "0.14"), row("worst", "0.15"))
    second = write(tmp_path / "b.csv", row(error="0.10"), row("attnet_best", "0.03"), row("worst", "0.101"))
    told = table(read([first, second])).splitlines()[2]
    assert ">=0.1010 [not of the same attacks]" in told
    assert "[not" not in table(read([first])) and "[not" not in table(read([first, first]))


def test_what_is_no_grid_is_named(tmp_path, mvm):
    other = tmp_path / "other.csv"
    other.write_text("a,b\n1,2\n")
    both = [write(tmp_path / "a.csv", row()), write(tmp_path / "b.csv", row(seed=1, n="10000"))]
    for files, said in (([str(other)], "no grid"), (both, "on 1000 and on 10000 images"), ([str(tmp_path)], "cannot")):
        with pytest.raises(UserError, match=said):
            read(files)
    result = mvm("means", f"grids={tmp_path}/nothing*.csv")
    assert_one_line(result, r"nothing\*.csv: no such file")
    assert mvm("means", f"grids={tmp_path}/a.csv").out.startswith("| defence | seeds | pgd [box] |")
    for none in ("[]", "3", "{a: 1}", f"[{tmp_path}/a.csv,nowhere]"):
        assert_one_line(mvm("means", f"grids={none}"), "no such file")


def test_a_list_of_grids(tmp_path, mvm):
    write(tmp_path / "a.csv", row(error="0.1"))
    write(tmp_path / "b.csv", row(error="0.3", seed=1))
    assert "0.2000 (0.1000 to 0.3000)" in mvm("means", f"grids=[{tmp_path}/a.csv,{tmp_path}/b.csv]").out
