"""What a report reads: the runs that tables and figures consist of, and their scores."""

import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from mvm.audit.bits import unpack
from mvm.audit.cell import Cell
from mvm.audit.checks.verdict import Check
from mvm.digest import digest_of
from mvm.record import history
from mvm.recorded import Kept, all_kept
from mvm.terminal import say

WEIGHTS = "weights.txt"
Place = Path | zipfile.Path  # a file or folder, maybe one in `mvm.report.archive`'s file


@dataclass(frozen=True)
class Score:
    """One defence (one seed) against one attack. `wrong`: which test images, (n,) bool; None in older records.

    examples: a hash of the test images. cell: all that was kept of it. checks: the fails and warnings that
    concern it, once `mvm.report.checked.checked` has looked.
    """

    attack: str
    error: float
    n: int
    box: bool
    predicted: tuple[int, ...]
    wrong: np.ndarray | None
    file: Place
    pictures: Place  # .npz of `mvm.audit.pictures`; may be missing
    examples: str = ""
    cell: Cell = field(default_factory=dict)
    checks: tuple[Check, ...] = ()
    cells: str = "cells"  # the folder, within the run's, of file and pictures


@dataclass(frozen=True)
class Entry:
    """A run as part of a table or figure. game: its name in conf/game. note: the file that says so."""

    note: Place
    folder: Place
    data: str
    game: str
    eta: float
    seed: int
    command: str
    made: str
    scores: dict[str, Score]
    config: dict[str, Any]

    @property
    def ours(self) -> bool:
        """Whether it lies in the outputs, not in an earlier report's file."""
        return isinstance(self.note, Path)

    def history(self) -> list[dict[str, float]]:
        return history(self.folder / "history.csv")

    def weights(self) -> str:
        """The hash of what the run has now; of records carried elsewhere, which have no weights, what was noted."""
        defender, noted = self.folder / "defender.safetensors", self.folder / WEIGHTS
        if isinstance(defender, Path) and defender.exists():
            return _digest_of(defender, defender.stat().st_mtime_ns)
        made = {score.cell["weights"] for score in self.scores.values() if "weights" in score.cell}
        return noted.read_text() if noted.exists() else made.pop() if len(made) == 1 else ""

    def found(self) -> list[Kept]:
        """What mvm.evaluate kept of its probes."""
        return all_kept(self.folder)

    def rounds(self) -> list[dict[str, float]]:
        """The rows of `mvm.rounds`; none where the game has no rounds."""
        return history(self.folder / "rounds.csv")


def read_entries(outputs: Place, profile: str) -> dict[str, list[Entry]]:
    """{exhibit: its entries}. An entry whose run is gone or damaged is left out, and so is such a score."""
    out: dict[str, list[Entry]] = {}
    for exhibit in _inside(outputs / "exhibits" / profile):
        entries = [_entry(outputs, note) for note in _inside(exhibit) if note.name.endswith(".json")]
        out[exhibit.name] = [entry for entry in entries if entry]
    return out


def merged(ours: dict[str, list[Entry]], kept: dict[str, list[Entry]]) -> dict[str, list[Entry]]:
    """Both; where both have the same place in an exhibit (data, game, eta, seed), the later one."""
    out = {}
    for exhibit in sorted(ours.keys() | kept.keys()):
        both = [*kept.get(exhibit, []), *ours.get(exhibit, [])]
        both.sort(key=lambda entry: entry.made)  # those of one time stay as they are: ours last
        out[exhibit] = [entry for _, entry in sorted({entry.note.name: entry for entry in both}.items())]
    return out


def of_data(entries: list[Entry], family: str) -> list[Entry]:
    """The entries on the data set of that name; those on a smaller cut of it (mnist5k for mnist) if this machine made
    no others, or if there are no others at all.
    """
    of_family = [entry for entry in entries if entry.data.startswith(family)]
    names = {entry.data for entry in of_family if entry.ours} or {entry.data for entry in of_family}
    name = family if family in names or not names else min(names)
    return [entry for entry in of_family if entry.data == name]


def _inside(folder: Place) -> list[Any]:
    return sorted(folder.iterdir(), key=lambda place: place.name) if folder.exists() else []


def _entry(outputs: Place, note: Place) -> Entry | None:
    with _unless_damaged(note):
        noted = json.loads(note.read_text())
        folder = outputs / "runs" / noted["run"]
        if not (folder / "config.yaml").exists():
            return None
        scores = {name: _score(folder, *_place(file)) for name, file in noted["cells"].items()}
        return Entry(
            note=note,
            folder=folder,
            scores={name: score for name, score in scores.items() if score},
            config=yaml.safe_load((folder / "config.yaml").read_text()),
            **{key: noted[key] for key in ("data", "game", "eta", "seed", "command", "made")},
        )
    return None


def _place(file: str) -> tuple[str, str]:
    """The folder and the name of a cell; older entries named the file alone."""
    cells, _, last = file.rpartition("/")
    return cells or "cells", last


def _score(folder: Place, cells: str, file: str) -> Score | None:
    place = folder / cells
    if not (place / file).exists():
        return None
    with _unless_damaged(place / file):
        cell = json.loads((place / file).read_text())
        return Score(
            wrong=unpack(cell["wrong"], cell["n"]) if "wrong" in cell else None,
            predicted=tuple(cell["predicted"]),
            examples=cell.get("examples", ""),
            cell=cell,
            cells=cells,
            file=place / file,
            pictures=place / file.replace(".json", ".npz"),
            **{key: cell[key] for key in ("attack", "error", "n", "box")},
        )
    return None


@contextmanager
def _unless_damaged(file: Place) -> Iterator[None]:
    """What cannot be read is said, and counts as missing: the same command as before makes it anew."""
    try:
        yield
    except (ValueError, KeyError, TypeError, yaml.YAMLError) as why:
        say(f"left out {file}: damaged ({type(why).__name__})")


@cache
def _digest_of(file: Path, changed: int) -> str:
    return digest_of(file)
