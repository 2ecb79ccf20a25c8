import json
import shutil
from contextlib import ExitStack
from threading import Timer

import yaml
from conftest import TINY, read
from test_bad_input import assert_one_line

from mvm.audit.checks.cells import bits
from mvm.evaluation import COLUMNS
from mvm.lock import alone
from mvm.report.records import read_entries

ATTACKS = ("profile=smoke", "budgets.mnist.attack_iterations=20", "attacks.pgd.steps=2")


def test_a_grid_of_saved_defenders(mvm, tmp_path):
    for game in ("undefended", "minimax"):
        mvm("train", *TINY, f"game={game}")
    stamps = {f: f.stat().st_mtime_ns for f in tmp_path.rglob("defender.safetensors")}
    result = mvm("evaluate", f"runs={tmp_path}/runs/mnist5k-*", "attacks=[none,fgsm,pgd,attnet]", *ATTACKS)
    assert result.status == 0, result.err
    assert result.folder == tmp_path / "grid.csv"
    rows = read(result.folder)
    assert tuple(rows[0]) == COLUMNS and len(rows) == 11
    assert {row["defense"] for row in rows} == {"undefended", "minimax"}
    for row in rows:
        assert row["error"].startswith(">=") == ("!" in row["checks"]), row
        error = float(row["error"].removeprefix(">="))
        assert float(row["ci_low"]) <= error + 1e-4 and error - 1e-4 <= float(row["ci_high"]) and row["n"] == "1000"
        assert "E30" in row["checks"]  # one seed
        assert (row["eta"], row["seed"], row["profile"]) == ("0.3", "0", "smoke")
        assert row["box"] == str(row["attack"] == "pgd")
    assert [row["defense"] for row in rows if row["attack"] == "own"] == ["minimax"]  # scored by mvm.train
    for game in ("undefended", "minimax"):
        *single, worst = [float(row["error"].removeprefix(">=")) for row in rows if row["defense"] == game]
        assert max(single) <= worst + 1e-4 and worst <= sum(single) + 1e-4
    page = (tmp_path / "grid.md").read_text()
    assert "    python -m mvm.evaluate 'runs=" in page and "E30" in page
    for game in ("undefended", "minimax"):
        line = next(line for line in page.splitlines() if line.startswith(f"| mnist5k {game} eta0.3 seed0 |"))
        clean = next(row["error"] for row in rows if (row["defense"], row["attack"]) == (game, "none"))
        assert line.split("|")[2].strip().split()[0].removeprefix(">=") == f"{float(clean.removeprefix('>=')):.4f}"
    assert {f: f.stat().st_mtime_ns for f in stamps} == stamps
    again = mvm("evaluate", f"runs={tmp_path}/runs/mnist5k-*", "attacks=[none,fgsm,pgd,attnet]", *ATTACKS)
    assert read(again.folder) == rows and "error 0" not in again.out and "checking" not in again.out
    lists = f"runs=[{tmp_path}/runs/*-undefended-*,{tmp_path}/runs/*]"
    assert read(mvm("evaluate", lists, "attacks=[none,fgsm,pgd,attnet]", *ATTACKS).folder) == rows  # each run once
    assert "not tried: E11" not in again.out
    for file in tmp_path.glob("runs/*-minimax-*/cells/attnet-*.json"):
        cell = json.loads(file.read_text())
        assert cell.pop("report")["doubled"]["iterations"] == [10, 20]
        file.write_text(json.dumps(cell))  # as older versions kept it
    older = mvm("evaluate", f"runs={tmp_path}/runs/mnist5k-*", "attacks=[none,fgsm,pgd,attnet]", *ATTACKS)
    assert "not tried: E11 on 1 of 2 runs: attnet was scored by an older version" in older.out


def test_another_run_or_attack_adds_looks_and_repeats_none(mvm, tmp_path):
    for game in ("undefended", "minimax"):
        assert mvm("train", *TINY, f"game={game}", "attacks=[none]").status == 0

    def looks(runs, attacks):
        assert mvm("evaluate", f"runs={tmp_path}/runs/{runs}", f"attacks={attacks}", *ATTACKS).status == 0
        files = [*tmp_path.glob("runs/*-minimax-*/checks/*.json")]
        return {json.loads(f.read_text())["asked"]["look"]: f.stat().st_mtime_ns for f in files}

    first = looks("*-minimax-*", "[none,pgd]")
    assert set(first) == {"alone", "pgd"}
    second = looks("*", "[none,pgd,pgd3]")
    assert set(second) == {"alone", "pgd", "pgd3", "others"} and second.items() > first.items()
    told = (tmp_path / "checks.json").read_text()
    for folder in tmp_path.glob("runs/*/checks"):
        shutil.rmtree(folder)
    assert set(looks("*", "[none,pgd,pgd3]")) == set(second) and (tmp_path / "checks.json").read_text() == told


def test_runs_of_one_game_are_told_apart_by_their_settings(mvm, tmp_path):
    for more in ((), ("game.gamma=0.5",), ("recipe=best", "eta=0.4")):
        assert mvm("train", *TINY, "game=minimax", "attacks=[none]", *more).status == 0
    result = mvm("evaluate", f"runs={tmp_path}/runs/mnist5k-*", "attacks=[none,noise]", *ATTACKS[:1])
    for members in ("[fgsm]", "[fgsm,noise]"):
        assert mvm("train", *TINY, "game=mixture", "attacks=[none]", f"members={members}").status == 0
    mixtures = mvm("evaluate", f"runs={tmp_path}/runs/*-mixture-*", "attacks=[none,noise]", *ATTACKS[:1])
    for members in ("fgsm", "fgsm+noise"):
        assert f"mnist5k mixture members={members} eta0.3 seed0 " in mixtures.out, mixtures.out
    for title in ("minimax gamma=1.0 eta0.3", "minimax gamma=0.5 eta0.3", "minimax eta0.4"):
        assert f"mnist5k {title} seed0 " in result.out, result.out


def test_a_masked_defender_is_struck_from_the_grid(mvm, tmp_path):
    """Its weights times 1e4 in the last layer: the same answers, and no gradient to follow."""
    honest = mvm("train", *TINY, "game=undefended").folder
    from safetensors.torch import load_file, save_file

    weights = load_file(honest / "defender.safetensors")
    last = list(weights)[-1].rsplit(".", 1)[0]
    masked = {name: w * 1e4 if name.startswith(last) else w for name, w in weights.items()}
    save_file(masked, honest / "defender.safetensors")
    shutil.rmtree(honest / "cells")
    result = mvm("evaluate", f"runs={honest}", "attacks=[none,fgsm,noise]", *ATTACKS[:1])
    assert result.status == 0, result.err
    for row in read(result.folder):
        assert row["error"].startswith(">=") and "E05!" in row["checks"], row
    assert "fail E05: zero input gradients" in result.out and ">=" in result.out


def test_another_eta(mvm, tmp_path):
    mvm("train", *TINY, "game=undefended", "eta=0.3")
    result = mvm("evaluate", f"runs={tmp_path}/runs/*", "attacks=[none,fgsm]", "eta=0.6", *ATTACKS[:1])
    rows = {row["attack"]: row for row in read(result.folder)}
    assert rows["fgsm"]["eta"] == "0.6"
    weaker = mvm("evaluate", f"runs={tmp_path}/runs/*", "attacks=[none,fgsm]", *ATTACKS[:1])
    errors = [float(row["error"].removeprefix(">=")) for row in (rows["fgsm"], read(weaker.folder)[1])]
    assert errors[0] > errors[1]


def test_a_part_of_the_test_set(mvm, tmp_path):
    mvm("train", *TINY, "game=undefended")
    ask = ("evaluate", f"runs={tmp_path}/runs/*", "attacks=[fgsm,pgd]", *ATTACKS)
    whole = mvm(*ask)
    before = read(whole.folder)
    part = mvm(*ask, "test_images=200")
    rows = {row["attack"]: row for row in read(part.folder)}
    assert {row["n"] for row in rows.values()} == {"200"} and "not tried: E11" not in part.out
    (run,) = tmp_path.glob("runs/*")
    masks = [next(run.glob(f"{cells}/fgsm-*.json")) for cells in ("cells", "cells-200")]
    all_of_them, some = (bits(json.loads(file.read_text())) for file in masks)
    assert (all_of_them[::5] == some).all()
    assert float(rows["fgsm"]["error"].removeprefix(">=")) == round(some.mean(), 4)
    assert read(mvm(*ask).folder) == before  # the scores on all of them are as they were
    assert_one_line(mvm(*ask, "test_images=0"), "test_images=0: must be 1 or more")
    assert_one_line(mvm(*ask, "audit=gap", "test_images=9"), "audit=gap test_images=9: the gap needs all")


def test_nothing_to_score(mvm, tmp_path):
    assert_one_line(mvm("evaluate", f"runs={tmp_path}/*", "attacks=[]"), "attacks=\\[\\]: nothing to score")


def test_no_run_matches(mvm, tmp_path):
    assert_one_line(mvm("evaluate", f"runs={tmp_path}/nothing*"), "no trained run matches .*outputs/runs/mnist5k")
    assert_one_line(mvm("evaluate", "runs=[]"), "runs=: no trained run matches")
    assert_one_line(mvm("evaluate", "runs=3"), "runs=3: no trained run matches")


def test_a_damaged_run_does_not_sink_the_grid(mvm, tmp_path):
    good = mvm("train", *TINY, "game=undefended").folder
    bad = good.with_name("mnist5k-undefended-eta0.3-seed9-00000000")
    shutil.copytree(good, bad)
    shutil.rmtree(bad / "cells")
    (bad / "defender.safetensors").write_bytes(b"junk")
    evil = good.with_name("mnist5k-undefended-eta0.3-seed8-00000000")
    shutil.copytree(good, evil)
    shutil.rmtree(evil / "cells")
    config = yaml.safe_load((evil / "config.yaml").read_text())
    config["classifier"] = {"_target_": "os.system", "command": f"touch {tmp_path}/hacked"}
    (evil / "config.yaml").write_text(yaml.safe_dump(config))
    strange = good.with_name("mnist5k-undefended-eta0.3-seed7-00000000")
    shutil.copytree(good, strange)
    (strange / "config.yaml").write_bytes(b"\xff\xfe data")
    result = mvm("evaluate", f"runs={tmp_path}/runs/*", "attacks=[none]", *ATTACKS[:1])
    assert_one_line(result, "3 of 4 runs were skipped")
    assert len(read(tmp_path / "grid.csv")) == 1
    assert not (tmp_path / "hacked").exists()


def test_an_evaluation_waits_for_whoever_works_on_a_run(mvm, tmp_path):
    run = mvm("train", *TINY, "game=undefended", "attacks=[none]").folder
    with ExitStack() as held:
        held.enter_context(alone(tmp_path / "locks" / run.name))
        later = Timer(2, held.close)  # a lock is of an open file: one process may hold it against itself
        later.start()
        result = mvm("evaluate", f"runs={run}", "attacks=[none]", *ATTACKS[:1])
        assert later.finished.is_set() and result.status == 0
    assert f"waiting for another process, which works on {run.name}" in result.out


def test_training_may_score_on_a_part_of_the_test_set(mvm, tmp_path):
    ask = ("train", *TINY, "game=minimax", "attacks=[none,fgsm]", "exhibit=table5")
    whole = mvm(*ask)
    some = mvm(*ask, "test_images=200")
    assert some.folder == whole.folder and json.loads((some.folder / "metrics.json").read_text())["n"] == 200
    assert {file.name for file in (some.folder / "cells").iterdir()} == {
        file.name for file in (some.folder / "cells-200").iterdir()
    }
    assert "test_images=200" in some.out and "nothing to do" in mvm(*ask, "test_images=200").out
    (entry,) = read_entries(tmp_path, "smoke")["table5"]
    assert {score.n for score in entry.scores.values()} == {200} and entry.scores.keys() == {"none", "fgsm", "own"}
    grid = mvm("evaluate", f"runs={tmp_path}/runs/*minimax*", "attacks=[none,fgsm]", "profile=smoke", "test_images=200")
    assert "own" in {row["attack"] for row in read(grid.folder)}
    assert_one_line(mvm(*ask, "test_images=0"), "test_images=0: must be 1 or more")
