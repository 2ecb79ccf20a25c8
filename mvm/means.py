"""Grids of mvm.evaluate as one table: the mean over the seeds of every defence.

python -m mvm.means grids=outputs/grid.csv
"""

import csv
import glob
from collections.abc import Sequence

from omegaconf import DictConfig

from mvm.audit.means import Row, table
from mvm.cli import entry
from mvm.errors import UserError
from mvm.globs import globs

KNOWN_BY = {"attack", "variant", "settings", "training_s"}  # columns; an older grid has only the first


def main(cfg: DictConfig, overrides: list[str]) -> None:
    files = [file for one in globs(cfg.grids) for file in _matching(one)]
    print(table(read([*dict.fromkeys(reversed(files))][::-1])))  # one that is named twice counts where it is last


def _matching(pattern: str) -> list[str]:
    files = sorted(glob.glob(pattern))
    if not files:
        raise UserError(
            f"grids={pattern}: no such file; give a glob, for example 'grids=outputs/*/grid.csv', or a list of them"
        )
    return files


def read(files: Sequence[str]) -> list[Row]:
    """The rows of grids that were made one by one; of a run and attack that two have, that of the grid named later.

    `over` of a row: the attacks of its run in its grid, joined by spaces, which is what a worst case is over.

    Raises `UserError` for a file that is no grid, and where not all were scored on as many images.
    """
    rows: dict[tuple[str, str, str], Row] = {}
    for file in files:
        try:
            with open(file, newline="") as text:
                found = list(csv.DictReader(text))
        except (OSError, UnicodeDecodeError) as why:
            raise UserError(f"cannot read {file}: {why}; mvm.evaluate writes grid.csv") from why
        if not found or not found[0].keys() >= KNOWN_BY:
            raise UserError(
                f"{file} is no grid, or one of an older version: evaluate the runs again; what is kept of them is used"
            )
        attacks: dict[tuple[str, str], list[str]] = {}
        for row in found:
            attacks.setdefault((row["run"], row["eta"]), []).append(row["attack"])
        for row in found:
            over = " ".join(sorted(attacks[row["run"], row["eta"]]))
            rows[row["run"], row["attack"], row["eta"]] = row | {"over": over}
    sizes = sorted({int(row["n"]) for row in rows.values()})
    if len(sizes) > 1:
        raise UserError(f"scored on {' and on '.join(map(str, sizes))} images: make a table of each")
    return list(rows.values())


if __name__ == "__main__":
    entry("means", main)
