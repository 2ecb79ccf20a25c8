"""The checks of one run, those on its classifier made once and kept in its folder."""

import json
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from mvm.attacks.attack import wrong
from mvm.attacks.attacked import evaluating
from mvm.attacks.pgd import PGD
from mvm.audit.checks.cells import bits, cell_checks
from mvm.audit.checks.defender import defender_checks
from mvm.audit.checks.grid import same_distribution, twin_broken
from mvm.audit.checks.probe import doubling, probe
from mvm.audit.checks.verdict import Check
from mvm.audit.score import Cell, examples
from mvm.build import build
from mvm.cells import Defence
from mvm.data.images import Images
from mvm.record import Run, fingerprint
from mvm.terminal import say
from mvm.whole import write_whole

SLICE = 500  # test images that the probes attack
UNDEFENDED_ETA = 0.6  # at which PGD must break an undefended net


def inspect(
    run: Run,
    cells: dict[str, Cell],
    defence: Defence,
    *,
    eta: float,
    undefended: bool,
    surrogate: tuple[str, Callable[[], nn.Module]] | None = None,
) -> list[Check]:
    """Every check on a run: its cells' and, from the file checks/*.json or anew, its classifier's.

    surrogate: the name and the loader of another run's classifier, for the transfer attack.
    """
    iterated = {
        n: c["settings"] for n, c in cells.items() if "steps" in c["settings"] and not c["settings"].get("start")
    }
    asked = {"eta": eta, "surrogate": surrogate and surrogate[0], "iterated": iterated}
    path = run.folder / "checks" / f"eta{eta:g}-{fingerprint(asked)}.json"
    try:
        kept = [Check(**check) for check in json.loads(path.read_text())]
    except (OSError, ValueError, TypeError):
        say(f"checking {run.folder.name}")
        kept = _classifier(defence, cells, list(iterated), eta, undefended, surrogate and surrogate[1]())
        text = json.dumps([check.as_dict() for check in kept], indent=1) + "\n"
        write_whole(path, lambda temporary: temporary.write_text(text))
    return kept + cell_checks(cells, adversarially_trained=not undefended)


def _classifier(
    defence: Defence, cells: dict[str, Cell], iterated: list[str], eta: float, undefended: bool, other: nn.Module | None
) -> list[Check]:
    classifier, data = defence()
    with evaluating(classifier, *([other] if other else [])):
        x, y = data.test.x[:SLICE], data.test.y[:SLICE]
        out = defender_checks(classifier, x, y) + probe(classifier, x, y, eta, other)
        out.append(_same_distribution(classifier, data))
        if undefended:
            error = wrong(classifier, PGD(eta=UNDEFENDED_ETA)(classifier, x, y), y).float().mean().item()
            out.append(twin_broken(error, UNDEFENDED_ETA))
        for name in iterated:
            if cells[name]["examples"] == examples(data):
                out.append(_doubled(classifier, data, cells[name]))
    return out


def _doubled(classifier: nn.Module, data: Images, cell: Cell) -> Check:
    """E11 for a cell of the grid."""
    x, y = data.test.x[:SLICE], data.test.y[:SLICE]
    settings: dict[str, Any] = cell["settings"] | {"steps": 2 * cell["settings"]["steps"]}
    twice = wrong(classifier, build(settings)(classifier, x, y), y).cpu().numpy()
    what = f"twice the steps of {cell['attack']}"
    return doubling("E11", bits(cell)[: len(y)], twice, what=what, attack=cell["attack"])


def _same_distribution(classifier: nn.Module, data: Images) -> Check:
    counts = []
    for split in (data.test, data.val):
        missed = torch.cat([wrong(classifier, x, y) for x, y in split.chunks()])
        counts += [int(missed.sum()), len(missed)]
    return same_distribution(*counts)
