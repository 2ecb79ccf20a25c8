"""The command line from end to end, on the embedded images."""

import json
import math
import shutil
import signal
import subprocess
import sys
import time

import pytest
import torch
from conftest import TINY, options, read
from safetensors.torch import load_file

from mvm.record import Run
from mvm.schema import CONF

RECORD = {"config.yaml", "metrics.json", "history.csv", "last.ckpt", "defender.safetensors", "cells"}


GAMES = [game for game in options("game") if "_target_" in (CONF / f"game/{game}.yaml").read_text()]  # no aliases


@pytest.mark.parametrize("game", GAMES)
def test_smoke_run_of_every_game(game, mvm):
    result = mvm("train", f"game={game}", "data=mnist5k", "eta=0.3", "profile=smoke")
    assert result.status == 0, result.err
    folder = result.folder
    assert folder.name.startswith(f"mnist5k-{game}-eta0.3-seed0-")
    assert {file.name for file in folder.iterdir()} >= RECORD
    metrics = json.loads((folder / "metrics.json").read_text())
    assert (metrics["game"], metrics["data"], metrics["eta"], metrics["seed"]) == (game, "mnist5k", 0.3, 0)
    assert metrics["complete"] is True and metrics["profile"] == "smoke"
    asked = {"none", "noise", "fgsm", "ifgsm", "pgd", "attnet"}
    assert asked <= metrics["errors"].keys() and all(0 <= e <= 1 for e in metrics["errors"].values())
    assert metrics["errors"]["none"] < 0.5  # it learned; chance is 0.9
    rows = read(folder / "history.csv")
    assert int(rows[-1]["iteration"]) == metrics["iterations"]
    assert all(math.isfinite(float(value)) for row in rows for value in row.values())
    assert ("val_pgd_error" in rows[0]) == (game not in ("undefended", "attnet"))  # no eta; a defender that stays
    assert ("val_sensitivity" in rows[0]) == (metrics["game"] in ("attnet", "alt", "minimax", "maximin"))
    assert "epsilon = 0.15" in result.out and "about" in result.out


def test_cat_mouse_keeps_every_rounds_classifier(mvm):
    folder = mvm("train", *TINY, "game=cat_mouse").folder
    rounds = sorted(file.name for file in (folder / "rounds").iterdir())
    assert rounds == ["00.safetensors", "01.safetensors", "02.safetensors", "03.safetensors"]
    source = next(folder.parent.glob("mnist5k-undefended-*"))
    same = [
        _equal(folder / "rounds/00.safetensors", source / "defender.safetensors"),
        _equal(folder / "rounds/03.safetensors", folder / "defender.safetensors"),
        not _equal(folder / "rounds/01.safetensors", folder / "rounds/02.safetensors"),
    ]
    assert all(same)


def test_the_same_settings_again_do_nothing(mvm):
    first = mvm("train", *TINY, "game=undefended")
    stamps = {file: file.stat().st_mtime_ns for file in first.folder.rglob("*")}
    again = mvm("train", *TINY, "game=undefended")
    assert again.status == 0 and "nothing to do" in again.out and again.folder == first.folder
    assert {file: file.stat().st_mtime_ns for file in first.folder.rglob("*")} == stamps
    forced = mvm("train", *TINY, "game=undefended", "force=true")
    assert "nothing to do" not in forced.out
    assert forced.folder.joinpath("defender.safetensors").stat().st_mtime_ns > max(stamps.values())
    twin = mvm("train", *TINY, "game=undefended", "eta=0.6", "force=true")  # whose weights are there, but for the eta
    assert "60 iterations at" in forced.out and "60 iterations at" in twin.out


def test_a_run_whose_own_weights_a_sample_set_is_made_on_can_be_forced(mvm):
    """fgsm1 is made on the undefended net, which is the run itself: gone when the time is forecast."""
    tiny = [*TINY, "game=undefended", "attacks=[none,fgsm1]"]
    assert mvm("train", *tiny).status == 0
    forced = mvm("train", *tiny, "force=true")
    assert forced.status == 0 and "60 iterations at" in forced.out and Run(forced.folder).complete


def test_a_training_that_the_trainer_cut_short_is_not_taken_for_a_whole_one(mvm, tmp_path):
    cut = mvm("train", *TINY, "game=undefended", "+trainer.max_steps=20")
    assert cut.status == 1 and "stopped after 20 of 60 iterations" in cut.err
    assert not list(tmp_path.glob("runs/*/defender.safetensors"))
    whole = mvm("train", *TINY, "game=undefended")
    assert whole.status == 0 and (whole.folder / "defender.safetensors").exists()


def test_another_attack_is_scored_without_training_again(mvm):
    first = mvm("train", *TINY, "game=undefended").folder
    stamp = (first / "defender.safetensors").stat().st_mtime_ns
    more = mvm("train", *TINY, "game=undefended", "attacks=[none,fgm]")
    assert more.folder == first and (first / "defender.safetensors").stat().st_mtime_ns == stamp
    assert set(json.loads((first / "metrics.json").read_text())["errors"]) == {"none", "fgsm", "fgm"}


def test_an_undefended_classifier_is_trained_once_for_every_eta(mvm):
    first = mvm("train", *TINY, "game=undefended", "eta=0.3").folder
    second = mvm("train", *TINY, "game=undefended", "eta=0.6")
    assert second.folder != first and second.folder.name.split("-")[-1] == first.name.split("-")[-1]
    assert "iterations at" not in second.out
    assert _equal(first / "defender.safetensors", second.folder / "defender.safetensors")
    mvm("train", *TINY, "game=adv_train", "eta=0.5")
    assert len(list(first.parent.glob("*undefended*"))) == 2  # the source was found, not made again


@pytest.mark.parametrize("game", ["minimax", "mixture"])
def test_what_only_scoring_reads_of_a_games_network_trains_nothing_again(game, mvm):
    first = mvm("train", *TINY, f"game={game}").folder
    more = mvm("train", *TINY, f"game={game}", "budgets.mnist.attack_iterations=7")
    assert more.folder != first and "iterations at" not in more.out and more.status == 0
    same = [file.name for file in first.glob("*.safetensors") if _equal(file, more.folder / file.name)]
    assert sorted(same) == ["attacker.safetensors", "defender.safetensors"]


def test_a_twin_is_found_without_its_checkpoint(mvm):
    """Which is as large as everything else together, and of no more use."""
    (mvm("train", *TINY, "game=undefended").folder / "last.ckpt").unlink()
    twin = mvm("train", *TINY, "game=undefended", "eta=0.6")
    assert twin.status == 0 and "iterations at" not in twin.out


def test_settings_that_change_the_weights_change_the_name(mvm):
    names = {
        mvm("train", *TINY, "attacks=[none]", "budgets.mnist.game_iterations=10", *more).folder.name
        for more in (["game=minimax"], ["game=minimax", "game.gamma=2"], ["game=minimax", "seed=1"], ["game=alt"])
    }
    assert len(names) == 4


def test_a_sweep_reports_a_failing_job_and_finishes_the_others(mvm):
    result = mvm("train", *TINY, "--multirun", "game=undefended", "eta=0.3,-1,0.4")
    assert result.status != 0
    assert "job 1 (" in result.err and "eta=-1" in result.err
    assert result.out.count("mnist5k-undefended-eta0.3-") > 0 and result.out.count("mnist5k-undefended-eta0.4-") > 0


@pytest.mark.parametrize(
    "settings",
    ["minimax", "minimax game.penalty=carried", "cat_mouse", "sens_fgsm"],
)
def test_a_resumed_run_equals_an_uninterrupted_one_bit_for_bit(settings, mvm, tmp_path, monkeypatch):
    from mvm.games.keep import Keep

    game, *more = settings.split()
    same = [*TINY, f"game={game}", *more]
    whole = mvm("train", *same, f"outputs={tmp_path}/whole").folder
    keep = Keep.on_train_epoch_end

    def killed(self, trainer, module):
        keep(self, trainer, module)
        if module.iteration == 20 and module.trained[0] == "defender" and game in str(self.run.folder):
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Keep, "on_train_epoch_end", killed)
        broken = mvm("train", *same, f"outputs={tmp_path}/broken")
        assert broken.status == 130 and "goes on from the last checkpoint, if" in broken.err
    resumed = mvm("train", *same, f"outputs={tmp_path}/broken")
    assert resumed.status == 0, resumed.err
    assert "goes on from iteration 20 of" in resumed.out and "40 iterations at" in resumed.out
    for file in ("defender.safetensors", *(["attacker.safetensors"] if game == "minimax" else [])):
        assert _equal(whole / file, resumed.folder / file)
    assert _history(whole) == _history(resumed.folder)
    assert _errors(whole) == _errors(resumed.folder)


def test_kill_minus_9_and_start_again(tmp_path):
    """In a process of its own, killed at whatever moment it has reached after its first checkpoint."""
    command = [sys.executable, "-m", "mvm.train", *TINY, "game=minimax", "budgets.mnist.game_iterations=300"]
    process = subprocess.Popen([*command, f"outputs={tmp_path}/broken"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 120
    while not list(tmp_path.glob("broken/runs/*/last.ckpt")) and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.3)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    (folder,) = tmp_path.glob("broken/runs/*")
    assert not (folder / "metrics.json").exists()
    for outputs in ("broken", "whole"):
        subprocess.run([*command, f"outputs={tmp_path}/{outputs}"], check=True, capture_output=True)
    (whole,) = tmp_path.glob("whole/runs/*")
    assert _equal(whole / "defender.safetensors", folder / "defender.safetensors")
    assert _errors(whole) == _errors(folder) and _history(whole) == _history(folder)


def test_killed_between_the_last_checkpoint_and_the_weights(mvm):
    folder = mvm("train", *TINY, "game=undefended").folder
    weights = load_file(folder / "defender.safetensors")
    (folder / "defender.safetensors").unlink()
    (folder / "metrics.json").unlink()
    shutil.rmtree(folder / "cells")
    rows = read(folder / "history.csv")
    (folder / "history.csv").unlink()  # written after the checkpoint
    assert mvm("train", *TINY, "game=undefended").status == 0
    assert read(folder / "history.csv") == rows
    again = load_file(folder / "defender.safetensors")
    assert all(torch.equal(weights[name], again[name]) for name in weights)
    assert Run(folder).complete


def test_two_runs_in_one_process_equal_one_alone(mvm, tmp_path):
    """Nothing of a sweep's first job reaches its second."""
    swept = mvm("train", *TINY, "--multirun", "game=undefended,minimax", f"outputs={tmp_path}/swept")
    alone = mvm("train", *TINY, "game=minimax", f"outputs={tmp_path}/alone")
    assert swept.status == 0 and alone.status == 0
    (both,) = (tmp_path / "swept/runs").glob("*minimax*")
    assert _equal(both / "defender.safetensors", alone.folder / "defender.safetensors")
    assert _errors(both) == _errors(alone.folder)


def _equal(a, b):
    a, b = load_file(a), load_file(b)
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def _errors(folder):
    return json.loads((folder / "metrics.json").read_text())["errors"]


def _history(folder):
    return [{k: v for k, v in row.items() if k != "seconds"} for row in read(folder / "history.csv")]
