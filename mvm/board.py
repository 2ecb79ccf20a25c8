"""A run as it shows on Weights & Biases: its curves while it is played, its scores and images at the end."""

import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mvm.audit.cell import Cell
from mvm.board_end import errors, not_passed, pictures, scores_table
from mvm.build import build
from mvm.games.keep import Row
from mvm.record import Run, history, name_of
from mvm.terminal import say

WHOLE = "whole"  # a file in W&B's folder of a run that was shown to its end


class Board:
    """One W&B run for a run of ours; before `open`, and after anything went wrong with W&B, it does nothing.

    project: of W&B. folder: where W&B keeps its files. group: None for the table or figure with its profile.
    patience: seconds that W&B may take to answer at the start, or to upload at the end; what was not
    uploaded is on disk for `wandb sync`. Nothing of W&B's ever fails a run: it is told in one line.
    """

    def __init__(self, *, project: str, folder: str, group: str | None = None, patience: float = 30.0) -> None:
        self.project, self.folder, self.group, self.patience = project, folder, group, patience
        self.wandb: Any = None  # the open run
        self.last: Row = {"iteration": 0.0, "seconds": 0.0}

    def open(self, run: Run, config: dict[str, Any]) -> None:
        self._try("start", lambda: self._start(self.id(run, config), run, config))

    def id(self, run: Run, config: dict[str, Any]) -> str:
        """One W&B run for each table or figure that a run is part of, since W&B knows one group a run."""
        return "-".join([*([config["exhibit"]] if config["exhibit"] else []), run.folder.name])

    def kept(self, run: Run, config: dict[str, Any]) -> bool:
        """Whether `folder` has this W&B run already, whole."""
        name = re.compile(rf"(offline-)?run-[\d_]+-{re.escape(self.id(run, config))}")
        found = (folder for folder in Path(self.folder, "wandb").glob("*") if name.fullmatch(folder.name))
        return any((folder / WHOLE).exists() for folder in found)

    def _start(self, id: str, run: Run, config: dict[str, Any]) -> None:
        import wandb

        start: dict[str, Any] = {
            "project": self.project,
            "dir": self.folder,
            "id": id,
            "name": run.folder.name,
            "group": self.group or (f"{config['exhibit']} {config['profile']}" if config["exhibit"] else None),
            "job_type": "train" if config["attacks"] else "source",
            "resume": "allow",
            "config": _config(run, config),
        }
        quiet = wandb.Settings(
            silent=True,
            console="off",
            reinit="create_new",
            init_timeout=self.patience,
            finish_timeout=self.patience,
        )
        Path(self.folder).mkdir(parents=True, exist_ok=True)
        wandb.setup(wandb.Settings(silent=True))
        if "WANDB_MODE" not in os.environ and not wandb.login(prompt=False, verify=False):
            start["mode"] = "offline"
        try:
            self.wandb = wandb.init(**start, settings=quiet)
        except Exception as why:
            if start.get("mode") == "offline":
                raise
            say(f"W&B did not start ({_line(why)}): this run is kept offline")
            wandb.teardown()  # or else the id would be in use
            self.wandb = wandb.init(**start | {"mode": "offline"}, settings=quiet)
        self.wandb.define_metric("iteration", hidden=True)
        self.wandb.define_metric("*", step_metric="iteration")

    def row(self, row: Row) -> None:
        """A row of history.csv; one that was logged before is passed over."""
        done = row["iteration"] - self.last["iteration"]
        if done <= 0:
            return
        speed = {"speed/seconds_per_1000_iterations": 1000 * (row["seconds"] - self.last["seconds"]) / done}
        self.last = row
        self._log({_name(column): value for column, value in row.items()} | speed)

    def end(self, run: Run, scores: dict[str, Cell], test_images: int | None) -> None:
        """The curves, where the run was not played just now; its scores, and what the attacks' images look like.

        test_images: on how many the scores were made, as in `mvm.cells`.
        """
        self._try("log the curves", lambda: self._replay(run.history))
        if not scores:
            return
        at = {"iteration": self.last["iteration"]}

        def log_scores() -> None:
            found = not_passed(run, scores)
            self.wandb.log(at | errors(scores, found))
            self.wandb.log(at | {"scores": scores_table(scores, found)})

        self._try("log the scores", log_scores)
        self._try("log the images", lambda: self.wandb.log(at | pictures(run, scores, test_images)))

    def _replay(self, file: Path) -> None:
        for row in history(file):
            self.row(row)

    def close(self, *, failed: bool) -> None:
        self._try("finish", lambda: self._finish(failed))
        self.wandb = None

    def _finish(self, failed: bool) -> None:
        run, start = self.wandb, time.monotonic()
        run.finish(exit_code=int(failed))
        if not failed and not run.disabled:
            (Path(run.dir).parent / WHOLE).touch()
        late = time.monotonic() - start > self.patience
        if run.offline or late:
            why = "offline" if run.offline else f"not all was uploaded within {self.patience:g} s"
            say(f"W&B: {why}; `wandb sync {Path(run.dir).parent}` uploads it")
        elif not run.disabled:
            say(f"W&B: {run.url}")

    def _log(self, values: dict[str, Any]) -> None:
        self._try("log", lambda: self.wandb.log(values))

    def _try(self, what: str, do: Callable[[], object]) -> None:
        """Do it; if W&B cannot, say so once and go on without."""
        if what != "start" and not self.wandb:
            return
        try:
            do()
        except Exception as why:  # whatever a service, its files or its library may raise
            say(f"W&B could not {what} ({_line(why)}): the run goes on without it")
            self.wandb = None


@contextmanager
def watched(run: Run, config: dict[str, Any], *, complete: bool) -> Iterator[Board]:
    """The board of the group `logger`, opened and closed; one that does nothing where none is wanted.

    A run that is complete is shown from its records, once.
    """
    board = build(config["logger"]) if config["logger"] else Board(project="", folder="")
    if config["logger"] and not (complete and board.kept(run, config)):
        board.open(run, config)
    failed = True
    try:
        yield board
        failed = False
    finally:
        board.close(failed=failed)


def _config(run: Run, config: dict[str, Any]) -> dict[str, Any]:
    """What to filter and group by, then everything."""
    names = {"data": name_of(config["data"]), "game": name_of(config["game"]), "run": run.folder.name}
    names |= {k: config[k] for k in ("eta", "seed", "profile", "exhibit")}
    return names | {"settings": {k: v for k, v in config.items() if k not in ("outputs", "budgets", "logger")}}


def _name(column: str) -> str:
    """W&B makes a section of what is before the slash."""
    if column == "iteration":
        return column
    if column == "seconds":
        return "speed/seconds"
    return f"val/{column.removeprefix('val_')}" if column.startswith("val_") else f"train/{column}"


def _line(why: Exception) -> str:
    return f"{type(why).__name__}: {' '.join(str(why).split())}"[:200]
