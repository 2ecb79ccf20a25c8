"""What a run shows on Weights & Biases, read back from the file of an offline run."""

import json
import sys
from types import SimpleNamespace

import pytest
from conftest import TINY, read
from PIL import Image
from wandb_file import read_run

from mvm.board import Board
from mvm.record import Run

FAST = [*(o for o in TINY if "iterations" not in o), "exhibit=table5"]
FAST += [f"budgets.mnist.{name}=20" for name in ("iterations", "game_iterations", "attack_iterations")]


@pytest.fixture(autouse=True)
def no_login(monkeypatch, tmp_path):
    for name in ("WANDB_API_KEY", "WANDB_MODE", "WANDB_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))  # no netrc


def boards(outputs):
    """{id: run} of every W&B run there."""
    runs = [read_run(folder) for folder in (outputs / "wandb").glob("offline-run-*")]
    return {run.id: run for run in runs}


def test_the_runs_of_a_table_on_a_board(mvm, tmp_path):
    result = mvm("train", *FAST, "--multirun", "game=minimax,adv_train", "logger=wandb")
    assert result.status == 0, result.err
    assert result.out.count("wandb sync") == 3
    kept = boards(tmp_path)
    assert sorted(id.split("-")[2] for id in kept) == ["adv_train", "minimax", "undefended"]
    assert {run.group for run in kept.values()} == {"table5 smoke"}
    types = {run.config["game"]: run.job_type for run in kept.values()}
    assert types == {"minimax": "train", "adv_train": "train", "undefended": "source"}
    assert all(run.steps == {"iteration": "", "*": "iteration"} and run.exit_code == 0 for run in kept.values())
    folders = {folder.name: folder for folder in (tmp_path / "runs").iterdir()}
    for id, run in kept.items():
        folder = folders[id.removeprefix("table5-")]
        curves_are(run, read(folder / "history.csv"))
        assert run.config["eta"] == 0.3 and run.config["settings"]["classifier"]["width"] == 0.1
    (minimax,) = (run for id, run in kept.items() if "minimax" in id)
    scores_are(minimax, folders[minimax.id.removeprefix("table5-")])


def curves_are(run, history):
    """All of history.csv, against the game's own iteration."""
    assert history
    for name in history[0].keys() - {"iteration"}:
        shown = f"val/{name.removeprefix('val_')}" if name.startswith("val_") else f"train/{name}"
        shown = "speed/seconds" if name == "seconds" else shown
        assert run.curve(shown) == [(int(row["iteration"]), float(row[name])) for row in history], name
    seconds = [0.0, *(float(row["seconds"]) for row in history)]
    speed = [value for _, value in run.curve("speed/seconds_per_1000_iterations")]
    assert speed == pytest.approx([100 * (b - a) for a, b in zip(seconds, seconds[1:], strict=False)])


def scores_are(run, folder):
    """One row an attack, and ten pictures of each, an original beside its attacked image."""
    errors = json.loads((folder / "metrics.json").read_text())["errors"]
    logged = {name: value for row in run.rows for name, value in row.items() if name.startswith(("test/", "bound/"))}
    assert {name.split("/")[1]: value for name, value in logged.items()} == pytest.approx(errors)
    table = json.loads((run.media / run.last("scores/path")).read_text())
    assert table["columns"] == ["attack", "error", "low", "high", "n", "checks"]
    rows = {row[0]: row[1:] for row in table["data"]}
    assert {name: row[0] for name, row in rows.items()} == pytest.approx(errors)
    assert all(low <= error <= high and n == 1000 for error, low, high, n, _ in rows.values())
    assert {f"bound/{n}" if "!" in row[-1] else f"test/{n}" for n, row in rows.items()} == logged.keys()
    assert all("E22" in checks for *_, checks in rows.values())  # no noise among the attacks
    assert not any("images/none" in name for row in run.rows for name in row)
    files, captions = run.last("images/fgsm/filenames"), run.last("images/fgsm/captions")
    assert [caption[:2] for caption in captions] == [f"{c}:" for c in range(10)]
    assert all("answered" in caption and "attacked" in caption for caption in captions)
    left, right = (Image.open(run.media / files[3]).crop((x, 0, x + 112, 112)) for x in (0, 112))
    moved = [abs(a - b) for a, b in zip(left.tobytes(), right.tobytes(), strict=True)]
    assert max(moved) == pytest.approx(0.3 * 127.5, abs=1.5)


def test_a_run_found_complete_is_shown_once_from_its_record(mvm, tmp_path):
    folder = mvm("train", *FAST, "game=minimax").folder
    again = mvm("train", *FAST, "game=minimax", "logger=wandb", "exhibit=table3")
    assert "nothing to do" in again.out
    (run,) = boards(tmp_path).values()
    assert run.group == "table3 smoke"
    curves_are(run, read(folder / "history.csv"))
    scores_are(run, folder)
    mvm("train", *FAST, "game=minimax", "logger=wandb", "exhibit=table3")
    assert len(list((tmp_path / "wandb").glob("offline-run-*"))) == 1
    more = mvm("train", *FAST, "game=minimax", "logger=wandb", "attacks=[fgm]", "logger.group=mine", "exhibit=table4")
    assert more.status == 0, more.err
    run = boards(tmp_path)[f"table4-{folder.name}"]
    assert run.group == "mine" and 0 < run.last("bound/fgm") < 1  # no clean error is beside it
    curves_are(run, read(folder / "history.csv"))


def test_a_resumed_run_shows_its_whole_curve(mvm, tmp_path, monkeypatch):
    from mvm.games.keep import Keep

    keep = Keep.on_train_epoch_end

    def killed(self, trainer, module):
        keep(self, trainer, module)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Keep, "on_train_epoch_end", killed)
        assert mvm("train", *FAST, "game=minimax", "logger=wandb").status == 130
    (broken,) = boards(tmp_path).values()
    board = Board(project="", folder=str(tmp_path))
    assert not any(board.kept(Run(run), {"exhibit": "table5"}) for run in (tmp_path / "runs").iterdir())
    assert broken.exit_code == 1 and [i for i, _ in broken.curve("train/risk")] == [10]
    for folder in (tmp_path / "wandb").glob("offline-run-*"):
        folder.rename(folder.with_name("broken"))
    whole = mvm("train", *FAST, "game=minimax", "logger=wandb").folder
    (run,) = boards(tmp_path).values()
    curves_are(run, read(whole / "history.csv"))
    assert board.kept(Run(whole), {"exhibit": "table5"})


def test_a_broken_wandb_warns_and_the_run_goes_on(mvm, monkeypatch):
    """While it trains, and where it is shown from its record."""

    def fails(*args, **kwargs):
        raise OSError("a planted\nfault")

    for broken in ("log", "import", "init", "finish"):
        run = SimpleNamespace(log=lambda row: None, define_metric=lambda *a, **k: None, finish=lambda exit_code: None)
        module = SimpleNamespace(
            Settings=dict, setup=lambda s: None, login=lambda **k: False, init=lambda run=run, **k: run
        )
        module.Table = module.Image = dict
        setattr(module if broken == "init" else run, broken, fails)
        monkeypatch.setitem(sys.modules, "wandb", None if broken == "import" else module)
        result = mvm("train", *FAST, "game=undefended", "logger=wandb")
        assert result.status == 0, result.err
        warned = [line for line in result.out.splitlines() if line.startswith("W&B")]
        assert len(warned) == 1 and "goes on without it" in warned[0]
        assert json.loads((result.folder / "metrics.json").read_text())["complete"] is True


def test_a_server_that_does_not_answer_is_not_waited_for(mvm, tmp_path, monkeypatch):
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")  # the port of `discard`
    result = mvm("train", *FAST, "game=undefended", "logger=wandb", "+logger.patience=1")
    assert result.status == 0, result.err
    assert "W&B did not start" in result.out and "kept offline" in result.out
    (run,) = boards(tmp_path).values()
    assert run.curve("train/risk") and run.exit_code == 0
