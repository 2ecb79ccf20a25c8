"""What a finished run shows on Weights & Biases: a table of its scores, and the attacks' images."""

from pathlib import Path
from typing import Any

import numpy as np

from mvm.audit.cell import Cell
from mvm.audit.checks.verdict import Check, badges, of_cell, struck
from mvm.cells import cell_file
from mvm.record import Run
from mvm.recorded import judged

COLUMNS = ("attack", "error", "low", "high", "n", "checks")
LARGER = 4  # the images, in each direction: MNIST's are small


def not_passed(run: Run, scores: dict[str, Cell]) -> dict[str, list[Check]]:
    """The checks that each score did not pass, as far as the record goes: as in the table of mvm.train."""
    checks = judged(run, scores, run.config())
    return {name: of_cell(checks, name) for name in scores}


def errors(scores: dict[str, Cell], found: dict[str, list[Check]]) -> dict[str, float]:
    """{test/<attack>: error}, of a struck one bound/<attack>: it is no error rate to compare."""
    return {f"{'bound' if struck(found[name]) else 'test'}/{name}": cell["error"] for name, cell in scores.items()}


def scores_table(scores: dict[str, Cell], found: dict[str, list[Check]]) -> Any:
    """A wandb.Table of one row an attack: error, its 95 % interval, n, and the checks that its cell did not pass.

    A check with an exclamation mark failed, and the error is but a bound.
    """
    import wandb

    rows = []
    for name, cell in scores.items():
        rows.append([name, *(cell[k] for k in ("error", "ci_low", "ci_high", "n")), badges(found[name])])
    return wandb.Table(columns=list(COLUMNS), data=rows)


def pictures(run: Run, scores: dict[str, Cell], test_images: int | None) -> dict[str, list[Any]]:
    """{images/<attack>: ten wandb.Image}, each an original beside its attacked image, with the answers to them."""
    import wandb

    clean = _kept(run, "none", scores["none"], test_images) if "none" in scores else None
    out = {}
    for name, cell in scores.items():
        kept = _kept(run, name, cell, test_images)
        if kept is None or name == "none":
            continue
        images = []
        for i, (x, z) in enumerate(zip(kept["x"], kept["z"], strict=True)):
            before = f"answered {clean['answers'][i]}, " if clean else ""
            caption = f"{kept['y'][i]}: {before}attacked {kept['answers'][i]}"
            images.append(wandb.Image(_beside(x, z), caption=caption))
        out[f"images/{name}"] = images
    return out


def _kept(run: Run, name: str, cell: Cell, test_images: int | None) -> dict[str, np.ndarray] | None:
    """What `mvm.audit.pictures` kept of a score; nothing where the attack was infeasible."""
    path: Path = cell_file(run, name, cell["settings"], test_images).with_suffix(".npz")
    if not path.exists():
        return None
    with np.load(path) as file:
        return dict(file)


def _beside(x: np.ndarray, z: np.ndarray) -> np.ndarray:
    """(C, H, W) and (C, H, W) in [-1, 1] to (LARGER H, LARGER 2W, C) of 0 to 255; pixels outside are cut."""
    both = np.concatenate([x, z], axis=2).astype(np.float32).clip(-1, 1)
    pixels = np.rint((both + 1) * 127.5).astype(np.uint8).transpose(1, 2, 0)
    return pixels.repeat(LARGER, 0).repeat(LARGER, 1)
