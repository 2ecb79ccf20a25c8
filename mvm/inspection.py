"""The checks on the classifier of a run, made once and kept in its folder."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from mvm.attacks.attack import wrong
from mvm.attacks.attacked import evaluating
from mvm.attacks.pgd import PGD
from mvm.audit.allowed import allowed
from mvm.audit.cell import Cell
from mvm.audit.checks.apart import apart
from mvm.audit.checks.cells import bits
from mvm.audit.checks.defender import defender_checks
from mvm.audit.checks.grid import same_distribution, twin_broken
from mvm.audit.checks.probe import doubling, probe
from mvm.audit.checks.selftest import self_test
from mvm.audit.checks.silent import silent
from mvm.audit.checks.verdict import Check
from mvm.audit.score import examples
from mvm.build import build
from mvm.cells import Defence
from mvm.data.images import Images
from mvm.digest import digest_of
from mvm.record import Run, name_of
from mvm.recorded import EDITION, file_of, keep, kept
from mvm.terminal import say

UNDEFENDED_ETA = 0.6  # at which PGD must break an undefended net

Other = tuple[str, Callable[[], nn.Module]]  # another run's fingerprint, and the loader of its classifier


def inspect(
    run: Run,
    cells: dict[str, Cell],
    defence: Defence,
    *,
    game: dict[str, Any],
    eta: float,
    images: int,
    test_images: int | None = None,
    surrogate: Other | None = None,
    copy: Other | None = None,
) -> list[Check]:
    """What the rules find on the classifier of a run: from the file checks/*.json, or anew.

    game: the settings that it was trained by. images: how many of the test images the rules' own attacks
    are tried on; test_images: out of how many, if `defence` gives not all. surrogate: an undefended run, for the
    transfer attack of E07; copy: a run of the same game from another seed, for that of E31.
    """
    weights, undefended = digest_of(run.defender), name_of(game) == "undefended"
    iterated = {
        n: c["settings"] for n, c in cells.items() if "steps" in c["settings"] and not c["settings"].get("start")
    }
    others = {"surrogate": surrogate, "copy": copy}
    named = {name: other and other[0] for name, other in others.items()}
    asked = {"edition": EDITION, "of": weights, "eta": eta, "images": images, "iterated": iterated, **named}
    asked |= {"test_images": test_images} if test_images else {}
    there = kept(run.folder / file_of(asked))
    if there:
        return there[1]
    say(f"checking {run.folder.name}")
    nets = {name: other and other[1]() for name, other in others.items()}
    found = _classifier(defence, cells, list(iterated), eta, images, undefended, nets)
    keep(run.folder, asked, found)
    return found


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
        chosen = data.test.spaced(images)
        x, y, _ = data.test.select(chosen)
        out = defender_checks(classifier, x, y) + probe(classifier, x, y, eta, **nets)
        out += [self_test(classifier, x), _same_distribution(classifier, data), apart(data.val.x, data.test.x)]
        if undefended:
            z, _ = allowed(classifier, PGD(eta=UNDEFENDED_ETA), x, y)
            out.append(twin_broken(wrong(classifier, z, y).float().mean().item(), UNDEFENDED_ETA))
        for name in iterated:
            settings = cells[name]["settings"]
            whole = {"stop": False} if "stop" in settings else {}  # one that stops early asks about few of the images
            out.append(silent(classifier, build(settings | whole), x, y, name))
            if cells[name]["examples"] == examples(data):
                out.append(_doubled(classifier, data, cells[name], chosen))
    return out


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
