"""The scores of a run, each made once and kept in a file of its own."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from torch import nn

from mvm.attacks.attack import Attack
from mvm.audit.cell import Cell
from mvm.audit.checks.defender import connected
from mvm.audit.checks.verdict import FAIL
from mvm.audit.parts import told
from mvm.audit.pictures import keep_pictures
from mvm.audit.score import score
from mvm.build import build
from mvm.data.images import Images
from mvm.digest import digest_of
from mvm.errors import UserError
from mvm.record import Run, fingerprint
from mvm.terminal import bar, duration, say
from mvm.whole import write_text

Defence = Callable[[], tuple[nn.Module, Images]]  # loads the classifier and the data; asked only when needed


def cells(
    run: Run,
    attacks: dict[str, dict[str, Any]],
    defence: Defence,
    ready: dict[str, Attack] | None = None,
    test_images: int | None = None,
) -> dict[str, Cell]:
    """{name: cell} for attacks given as {name: settings}; what was scored before on the same weights is read back.

    ready: attacks that are used as they are. The others are built from their settings and, if they
    learn, trained against the run's defender first. test_images: how many `defence` gives, if not all.
    """
    out: dict[str, Cell] = {}
    for name, settings in attacks.items():
        cell = kept_cell(run, name, settings, test_images)
        file = cell_file(run, name, settings, test_images)
        out[name] = cell or _make(file, name, settings, defence, (ready or {}).get(name))
    return out


def kept_cell(run: Run, name: str, settings: dict[str, Any], test_images: int | None) -> Cell | None:
    """The score of an attack with these settings, if one was made of the run's weights and its file is whole.

    The weights may be others by now: a run that was trained again while it was scored. Scores of older versions do not
    say, and are taken.
    """
    try:
        cell = json.loads(cell_file(run, name, settings, test_images).read_text())
    except (OSError, ValueError):
        return None
    if "wrong" not in cell or not run.trained:  # older versions did not keep what the checks need
        return None
    return cell if cell.get("weights") in (None, digest_of(run.defender)) else None


def _make(file: Path, name: str, settings: dict[str, Any], defence: Defence, ready: Attack | None) -> Cell:
    classifier, data = defence()
    graph = connected(classifier, data.test.x[:1])
    if graph.verdict == FAIL:
        raise UserError(f"E28: {graph.text}; write it in torch, inside the classifier's forward")
    attack = ready or build(settings)
    start = time.perf_counter()
    with bar(f"scoring against {name}") as progress:
        if not ready:
            attack.fit(classifier, data.train.x, data.train.y, progress, val=(data.val.x, data.val.y))
        cell = {"attack": name, **score(classifier, attack, data, progress), "settings": settings}
    if attack.report():
        cell["report"] = attack.report()
    cell["seconds"] = round(time.perf_counter() - start, 2)
    if "infeasible" in cell:
        say(f"  E01: {cell['infeasible']}")
    else:
        keep_pictures(file.with_suffix(".npz"), classifier, attack, data)
    say(f"  {name:12s} error {cell['error']:.4f}   ({duration(cell['seconds'])})")
    for line in told(cell):
        say(f"    {line}")
    text = json.dumps(cell) + "\n"
    write_text(file, text)
    return cell


def cell_file(run: Run, name: str, settings: dict[str, Any], test_images: int | None) -> Path:
    """Where the score of an attack with these settings is kept: on all test images, or on so many."""
    folder = f"cells-{test_images}" if test_images else "cells"
    return run.folder / folder / f"{name}-{fingerprint(settings)}.json"
