"""What a report reads: the runs that tables and figures consist of, and their scores."""

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from mvm.audit.bits import unpack


@dataclass(frozen=True)
class Score:
    """One defence (one seed) against one attack. `wrong`: which test images, (n,) bool; None in older records."""

    attack: str
    error: float
    n: int
    box: bool
    predicted: tuple[int, ...]
    wrong: np.ndarray | None
    pictures: Path  # .npz of `mvm.audit.pictures`; may be missing


@dataclass(frozen=True)
class Entry:
    """A run as part of a table or figure. game: its name in conf/game."""

    folder: Path
    data: str
    game: str
    eta: float
    seed: int
    command: str
    made: str
    scores: dict[str, Score]
    config: dict[str, Any]

    def history(self) -> list[dict[str, float]]:
        return _numbers(self.folder / "history.csv")

    def rounds(self) -> list[dict[str, float]]:
        """The rows of `mvm.rounds`; none where the game has no rounds."""
        return _numbers(self.folder / "rounds.csv")


def read_entries(outputs: Path, profile: str) -> dict[str, list[Entry]]:
    """{exhibit: its entries}. An entry whose run is gone is left out, and so is a score whose file is gone."""
    out: dict[str, list[Entry]] = {}
    for file in sorted((outputs / "exhibits" / profile).glob("*/*.json")):
        entry = _entry(outputs, json.loads(file.read_text()))
        if entry:
            out.setdefault(file.parent.name, []).append(entry)
    return out


def of_data(entries: list[Entry], family: str) -> list[Entry]:
    """The entries on the data set of that name; those on a smaller cut of it (mnist5k for mnist) if there are none."""
    exact = [entry for entry in entries if entry.data == family]
    return exact or [entry for entry in entries if entry.data.startswith(family)]


def _entry(outputs: Path, noted: dict[str, Any]) -> Entry | None:
    folder = outputs / "runs" / noted["run"]
    if not (folder / "config.yaml").exists():
        return None
    scores = {}
    for name, file in noted["cells"].items():
        path = folder / "cells" / file
        if path.exists():
            scores[name] = _score(path)
    return Entry(
        folder=folder,
        scores=scores,
        config=yaml.safe_load((folder / "config.yaml").read_text()),
        **{key: noted[key] for key in ("data", "game", "eta", "seed", "command", "made")},
    )


def _score(path: Path) -> Score:
    cell = json.loads(path.read_text())
    wrong = None
    if "wrong" in cell:
        wrong = unpack(cell["wrong"], cell["n"])
    return Score(
        wrong=wrong,
        predicted=tuple(cell["predicted"]),
        pictures=path.with_suffix(".npz"),
        **{key: cell[key] for key in ("attack", "error", "n", "box")},
    )


def _numbers(path: Path) -> list[dict[str, float]]:
    if not path.exists():
        return []
    with open(path, newline="") as file:
        return [{k: float(v) for k, v in row.items() if v} for row in csv.DictReader(file)]
