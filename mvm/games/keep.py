"""The Lightning callback that keeps a run: its history, its checkpoint, its end."""

import csv
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Checkpoint

from mvm.games.game import Game
from mvm.record import Run
from mvm.whole import write_whole

Row = dict[str, float]  # of history.csv


class Keep(Checkpoint):
    """After every Lightning epoch (a number of blocks) appends a row to history.csv and replaces last.ckpt.

    Raises `UserError` instead where a player is not finite. The rows travel in the checkpoint, so that history.csv
    never runs ahead of it. Training ends when the
    game's own count of iterations is full. show: is shown every row, those before an interruption too.
    """

    def __init__(self, run: Run, show: Callable[[Row], None]) -> None:
        self.run, self.show, self.before = run, show, 0.0
        self.rows: list[Row] = []
        self.start = time.perf_counter()

    def on_train_start(self, trainer: pl.Trainer, game: pl.LightningModule) -> None:
        self.start = time.perf_counter()
        for row in self.rows:
            self.show(row)

    def on_train_epoch_end(self, trainer: pl.Trainer, game: pl.LightningModule) -> None:
        """A row and a checkpoint, and the end of the training where all iterations are made; Lightning calls it."""
        assert isinstance(game, Game)
        game.check_players()
        metrics = {name: float(value) for name, value in trainer.callback_metrics.items()}
        self.rows.append({"iteration": game.iteration, "seconds": round(self.seconds, 2), **metrics})
        self.show(self.rows[-1])
        trainer.should_stop = game.iteration >= game.iterations
        write_whole(self.run.checkpoint, trainer.save_checkpoint)
        write_history(self.run.history, self.rows)

    @property
    def seconds(self) -> float:
        """Of training, before and after any interruption."""
        return self.before + time.perf_counter() - self.start

    def state_dict(self) -> dict[str, Any]:
        return {"rows": self.rows, "seconds": self.seconds}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.rows, self.before = state["rows"], state["seconds"]


def write_history(path: Path, rows: list[Row]) -> None:
    """history.csv, whole: a column for whatever some row has."""

    def write(temporary: Path) -> None:
        with temporary.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(dict.fromkeys(name for row in rows for name in row)))
            writer.writeheader()
            writer.writerows(rows)

    write_whole(path, write)
