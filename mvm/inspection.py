"""The checks of one run, those on its classifier made once and kept in its folder."""

import csv
import json
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from mvm.attacks.attack import wrong
from mvm.attacks.attacked import evaluating
from mvm.attacks.pgd import PGD
from mvm.audit.allowed import allowed
from mvm.audit.checks.cells import bits, cell_checks
from mvm.audit.checks.curve import Row, overfitting
from mvm.audit.checks.defender import defender_checks
from mvm.audit.checks.grid import apart, same_distribution, twin_broken
from mvm.audit.checks.probe import doubling, probe
from mvm.audit.checks.provenance import provenance
from mvm.audit.checks.selftest import self_test
from mvm.audit.checks.silent import silent
from mvm.audit.checks.verdict import Check
from mvm.audit.score import Cell, examples
from mvm.build import build
from mvm.cells import Defence
from mvm.data.images import Images
from mvm.record import Run, fingerprint, name_of
from mvm.terminal import say
from mvm.weights import digest_of
from mvm.whole import write_whole

UNDEFENDED_ETA = 0.6  # at which PGD must break an undefended net
EDITION = 3  # of the rules that `_classifier` applies: kept answers of an older one are not read

Other = tuple[str, Callable[[], nn.Module]]  # another run's fingerprint, and the loader of its classifier


def inspect(
    run: Run,
    cells: dict[str, Cell],
    defence: Defence,
    *,
    game: dict[str, Any],
    eta: float,
    images: int,
    surrogate: Other | None = None,
    copy: Other | None = None,
) -> list[Check]:
    """Every check on a run: its cells', its curve's and, from the file checks/*.json or anew, its classifier's.

    game: the settings that it was trained by. images: how many of the test images the rules' own attacks
    are tried on. surrogate: an undefended run, for the transfer attack of E07;
    copy: a run of the same game from another seed, for that of E31.
    """
    weights, undefended = digest_of(run.defender), name_of(game) == "undefended"
    iterated = {
        n: c["settings"] for n, c in cells.items() if "steps" in c["settings"] and not c["settings"].get("start")
    }
    others = {"surrogate": surrogate, "copy": copy}
    named = {name: other and other[0] for name, other in others.items()}
    asked = {"edition": EDITION, "of": weights, "eta": eta, "images": images, "iterated": iterated, **named}
    path = run.folder / "checks" / f"eta{eta:g}-{fingerprint(asked)}.json"
    try:
        kept = [Check(**check) for check in json.loads(path.read_text())]
    except (OSError, ValueError, TypeError):
        say(f"checking {run.folder.name}")
        nets = {name: other and other[1]() for name, other in others.items()}
        kept = _classifier(defence, cells, list(iterated), eta, images, undefended, nets)
        text = json.dumps([check.as_dict() for check in kept], indent=1) + "\n"
        write_whole(path, lambda temporary: temporary.write_text(text))
    curve = overfitting(_history(run))
    return [
        *kept,
        *cell_checks(cells, adversarially_trained=not undefended),
        *provenance(cells, game, weights),
        *([curve] if curve else []),
    ]


def _history(run: Run) -> list[Row]:
    if not run.history.exists():
        return []
    with open(run.history, newline="") as file:
        return [{name: float(value) for name, value in row.items() if value} for row in csv.DictReader(file)]


def _classifier(
    defence: Defence,
    cells: dict[str, Cell],
    iterated: list[str],
    eta: float,
    images: int,
    undefended: bool,
    nets: dict[str, nn.Module | None],
) -> list[Check]:
    classifier, data = defence()
    with evaluating(classifier, *(net for net in nets.values() if net)):
        chosen = spaced(images, len(data.test.y)).to(data.test.y.device)
        x, y, _ = data.test.select(chosen)
        out = defender_checks(classifier, x, y) + probe(classifier, x, y, eta, **nets)
        out += [self_test(classifier, x), _same_distribution(classifier, data), apart(data.val.x, data.test.x)]
        if undefended:
            z, _ = allowed(classifier, PGD(eta=UNDEFENDED_ETA), x, y)
            out.append(twin_broken(wrong(classifier, z, y).float().mean().item(), UNDEFENDED_ETA))
        for name in iterated:
            out.append(silent(classifier, build(cells[name]["settings"]), x, y, name))
            if cells[name]["examples"] == examples(data):
                out.append(_doubled(classifier, data, cells[name], chosen))
    return out


def spaced(images: int, of: int) -> Tensor:
    """So many of the first `of` numbers, at equal distances: a data set may be in the order of its labels."""
    return torch.arange(min(images, of)) * of // min(images, of)


def _doubled(classifier: nn.Module, data: Images, cell: Cell, chosen: Tensor) -> Check:
    """E11 for a cell of the grid."""
    x, y, _ = data.test.select(chosen)
    settings: dict[str, Any] = cell["settings"] | {"steps": 2 * cell["settings"]["steps"]}
    z, _ = allowed(classifier, build(settings), x, y)
    twice = wrong(classifier, z, y).cpu().numpy()
    what = f"twice the steps of {cell['attack']}"
    return doubling("E11", bits(cell)[chosen.cpu().numpy()], twice, what=what, attack=cell["attack"])


def _same_distribution(classifier: nn.Module, data: Images) -> Check:
    counts = []
    for split in (data.test, data.val):
        missed = torch.cat([wrong(classifier, x, y) for x, y in split.chunks()])
        counts += [int(missed.sum()), len(missed)]
    return same_distribution(*counts)
