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
    print(table(read(sorted({file for one in globs(cfg.grids) for file in _matching(one)}))))


def _matching(pattern: str) -> list[str]:
    files = glob.glob(pattern)
    if not files:
        raise UserError(
            f"grids={pattern}: no such file; give a glob, for example 'grids=outputs/*/grid.csv', or a list of them"
        )
    return files


def read(files: Sequence[str]) -> list[Row]:
    """The rows of grids that were made one by one; of a run and attack that two of them have, the later one's.

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
        rows |= {(row["run"], row["attack"], row["eta"]): row for row in found}
    sizes = sorted({int(row["n"]) for row in rows.values()})
    if len(sizes) > 1:
        raise UserError(f"scored on {' and on '.join(map(str, sizes))} images: make a table of each")
    return list(rows.values())


if __name__ == "__main__":
    entry("means", main)
