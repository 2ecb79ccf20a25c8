"""FGSM1, FGSM2, ..., made on the classifiers of cat and mouse's rounds; and runs that several jobs need."""

import json
import re
import subprocess
import sys
import time

import pytest
import torch
from conftest import TINY, compose, read
from safetensors.torch import load_file

from mvm.build import build
from mvm.games.cat_mouse import round_ends
from mvm.lock import alone
from mvm.record import Run
from mvm.weights import save_weights

SETS = ("attacks=[none,fgsm,fgsm1,fgsm2,fgsm80]",)


def errors(folder):
    return json.loads((folder / "metrics.json").read_text())["errors"]


def test_a_sample_set_is_the_current_attack_on_its_own_classifier(mvm):
    """FGSM1 = FGSM-curr on No defense, FGSM2 = FGSM-curr on Adv FGSM1, FGSM3 (the last of 3 rounds) on Adv FGSM2."""
    scores = {}
    for game in ("undefended", "adv_fgsm1", "adv_fgsm2", "cat_mouse"):
        result = mvm("train", *TINY, *SETS, f"game={game}")
        assert result.status == 0, result.err
        scores[game] = errors(result.folder)
    assert scores["undefended"]["fgsm1"] == scores["undefended"]["fgsm"]
    assert scores["adv_fgsm1"]["fgsm2"] == scores["adv_fgsm1"]["fgsm"]
    assert scores["adv_fgsm2"]["fgsm80"] == scores["adv_fgsm2"]["fgsm"]
    assert len({tuple(s.values()) for s in scores.values()}) == 4


def test_a_short_cat_and_mouse_is_the_beginning_of_a_long_one(mvm):
    short = mvm("train", *TINY, "game=adv_fgsm1").folder
    long = mvm("train", *TINY, "game=cat_mouse").folder
    assert short != long
    a, b = load_file(short / "defender.safetensors"), load_file(long / "rounds/01.safetensors")
    assert all(torch.equal(a[name], b[name]) for name in a)


@pytest.fixture
def alone_and_after(mvm, tmp_path):
    """Two runs of a game: of a new folder of outputs, and after another game."""

    def play(game, first):
        mvm("train", *TINY, f"game={first}")
        after = mvm("train", *TINY, f"game={game}")
        alone = mvm("train", *TINY, f"game={game}", f"outputs={tmp_path}/other")
        assert "ounds" in after.out and "ounds" not in alone.out
        assert errors(after.folder) == errors(alone.folder)
        names = sorted(str(file.relative_to(alone.folder)) for file in alone.folder.rglob("*.safetensors"))
        for name in names:
            a, b = load_file(after.folder / name), load_file(alone.folder / name)
            assert all(torch.equal(a[key], b[key]) for key in a), name
        return after, names

    return play


def test_a_long_cat_and_mouse_goes_on_from_a_short_one(alone_and_after, mvm):
    after, names = alone_and_after("cat_mouse", first="adv_fgsm2")
    short = mvm("train", *TINY, "game=adv_fgsm2").folder
    assert f"goes on from the rounds of {short.name}" in after.out and len(names) == 5
    first, both = read(short / "history.csv"), read(after.folder / "history.csv")
    assert both[: len(first)] == first
    again = mvm("train", *TINY, "game=cat_mouse", "force=true")
    assert "goes on" not in again.out and "60 iterations at" in again.out and "20 iterations at" in after.out


def test_a_short_cat_and_mouse_is_taken_from_a_long_one(alone_and_after, mvm):
    after, names = alone_and_after("adv_fgsm2", first="cat_mouse")
    assert "its rounds are the first of" in after.out and names[-1] == "rounds/02.safetensors"
    long = mvm("train", *TINY, "game=cat_mouse").folder
    rows = read(after.folder / "history.csv")
    assert 0 < len(rows) < len(read(long / "history.csv")) and rows == read(long / "history.csv")[: len(rows)]


def test_rounds_may_have_lengths_of_their_own(mvm):
    assert round_ends(4, 5) == [5, 10, 15, 20] and round_ends(4, {1: 7, 2: 2}) == [7, 9, 11, 13]
    assert round_ends(5, {5: 4, 1: 7, 3: 2}) == [7, 14, 16, 18, 22] and round_ends(1, {1: 7, 2: 2}) == [7]
    no_lengths = 2.5, "few", [4, 2], {}, {2: 4}, {1: 4, 2: 0}, {1: 4, "last": 2}
    for rounds, lengths in [(0, 5), ("many", 5), *((3, lengths) for lengths in no_lengths)]:
        with pytest.raises(ValueError, match="1 or more"):
            round_ends(rounds, lengths)
    long = mvm("train", *TINY, "game=cat_mouse", "game.round_iterations={1:9,2:3}", "attacks=[none]").folder
    one = mvm("train", *TINY, "game=adv_fgsm1", "game.round_iterations={1:9,2:3}", "attacks=[none]").folder
    a, b = load_file(one / "defender.safetensors"), load_file(long / "rounds/01.safetensors")
    assert all(torch.equal(a[name], b[name]) for name in a)
    assert len(list((long / "rounds").iterdir())) == 4
    last = load_file(long / "rounds/03.safetensors")
    assert all(torch.equal(p, last[name]) for name, p in load_file(long / "defender.safetensors").items())


def test_a_hundred_rounds_are_in_order(tmp_path):
    (tmp_path / "rounds").mkdir()
    for k in range(102):
        (tmp_path / f"rounds/{k:02d}.safetensors").touch()
    run = Run(tmp_path)
    assert [int(file.stem) for file in run.rounds] == list(range(102))
    assert run.round(-2).stem == "100" and run.round(11).stem == "11"


def test_rounds_are_scored_once(mvm):
    folder = mvm("train", *TINY, "game=cat_mouse", "attacks=[fgsm]").folder
    rows = read(folder / "rounds.csv")
    assert [row["round"] for row in rows] == ["1", "2", "3"]
    one_round = mvm("train", *TINY, "game=adv_fgsm1", "attacks=[fgsm,fgsm1]").folder
    assert float(rows[0]["trained"]) == pytest.approx(errors(one_round)["fgsm1"])  # mnist5k has 1,000 test images
    assert float(rows[1]["attacked"]) == pytest.approx(errors(one_round)["fgsm"])
    stamp = (folder / "rounds.csv").stat().st_mtime_ns
    mvm("train", *TINY, "game=cat_mouse", "attacks=[fgsm]")
    assert (folder / "rounds.csv").stat().st_mtime_ns == stamp


def test_where_the_weights_lie_is_no_part_of_a_score(mvm, tmp_path):
    mvm("train", *TINY, *SETS, "game=sens_fgsm")
    (tmp_path / "runs").rename(tmp_path / "other")
    (tmp_path / "moved").mkdir()
    (tmp_path / "other").rename(tmp_path / "moved/runs")
    again = mvm("train", *TINY, *SETS, "game=sens_fgsm", f"outputs={tmp_path}/moved")
    assert "nothing to do" in again.out


def test_weights_are_the_victims(tmp_path):
    settings = compose("data=mnist5k", "profile=smoke", "attacks=[fgsm1]")["attacks"]["fgsm1"]
    victim = build(settings["victim"])
    save_weights(victim, tmp_path / "victim.safetensors")
    attack = build(settings | {"weights": str(tmp_path / "victim.safetensors")})
    x, y = torch.rand(8, 1, 28, 28) * 2 - 1, torch.arange(8)
    other = build(settings["victim"])
    assert torch.equal(attack(other, x, y), attack.method(victim, x, y))
    assert not torch.equal(attack(other, x, y), attack.method(other, x, y))
    assert not attack.victim.training


def test_evaluate_says_who_can_make_a_sample_set(mvm, tmp_path):
    mvm("train", *TINY, "game=undefended")
    result = mvm("evaluate", f"runs={tmp_path}/runs/*", "attacks=[fgsm2]", "profile=smoke")
    assert result.status == 1 and "mvm.train finds it" in result.out + result.err


def test_one_process_at_a_time(tmp_path):
    code = f"""
from pathlib import Path
from mvm.games.cat_mouse import round_ends
from mvm.lock import alone
with alone(Path({str(tmp_path / "lock")!r})):
    print("held", flush=True)
"""
    with alone(tmp_path / "lock"):
        other = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        time.sleep(3)
        assert other.poll() is None  # it waits
    assert other.communicate(timeout=60)[0] == "held\n"


def test_what_only_this_game_has_is_not_asked_of_its_source(mvm):
    for overrides in (
        ("game=minimax", "recipe=best", "attack.hidden=20"),
        ("game=mixture", "members=[fgsm,attnet]", "members.attnet.hidden=20"),
    ):
        made = mvm("train", *TINY, *overrides, "attacks=[none,fgsm1]")
        assert made.status == 0, made.err
        assert set(errors(made.folder)) >= {"none", "fgsm1"}


def test_two_jobs_that_need_one_source_train_it_once(tmp_path):
    commands = [
        [sys.executable, "-m", "mvm.train", *TINY, f"game={game}", "attacks=[fgsm]", f"outputs={tmp_path}"]
        for game in ("adv_train", "adv_fgsm1")
    ]
    jobs = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for command in commands]
    out = [job.communicate(timeout=300)[0] for job in jobs]
    assert [job.returncode for job in jobs] == [0, 0]
    (source,) = tmp_path.glob("runs/*undefended*")
    assert [row["iteration"] for row in read(source / "history.csv")] == ["10", "20", "30", "40", "50", "60"]
    trained = re.compile(rf"{source.name}: eta[^\n]*\n60 iterations at")
    assert sum(len(trained.findall(text)) for text in out) == 1
