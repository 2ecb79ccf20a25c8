"""The checks on the classifier of a run, each look at it made once and kept in its folder."""

from collections.abc import Callable
from functools import partial
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
from mvm.audit.checks.transfer import transfer
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
Look = Callable[[nn.Module, Images, Tensor], list[Check]]  # at a classifier, its data and the chosen test images


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
    """What the rules find on the classifier of a run: from the files checks/*.json, or anew.

    There is a file each for the classifier alone, beside other runs, and under each attack with steps, so that
    another attack or run in the grid adds a look and repeats none.

    game: the settings that it was trained by. images: how many of the test images the rules' own attacks
    are tried on; test_images: out of how many, if `defence` gives not all. surrogate: an undefended run, for the
    transfer attack of E07; copy: a run of the same game from another seed, for that of E31.
    """
    undefended = name_of(game) == "undefended"
    same: dict[str, Any] = {"edition": EDITION, "of": digest_of(run.defender), "eta": eta, "images": images}
    same |= {"test_images": test_images} if test_images else {}
    looks: list[tuple[dict[str, Any], Look]] = [
        ({"look": "alone", "iterated": {}}, partial(_alone, eta=eta, undefended=undefended))
    ]
    others = {name: other for name, other in (("surrogate", surrogate), ("copy", copy)) if other}
    if others:
        named = {name: other[0] for name, other in others.items()}
        looks.append(({"look": "others", "iterated": {}, **named}, partial(_beside, eta=eta, others=others)))
    for name, cell in cells.items():
        settings = cell["settings"]
        if "steps" in settings and not settings.get("start"):
            looks.append(({"look": name, "iterated": {name: settings}}, partial(_under, cell=cell)))
    return _found(run, [(same | asked, look) for asked, look in looks], defence, images)


def _found(run: Run, looks: list[tuple[dict[str, Any], Look]], defence: Defence, images: int) -> list[Check]:
    loaded, out = None, []
    for asked, look in looks:
        there = kept(run.folder / file_of(asked))
        if there:
            out += there[1]
            continue
        if loaded is None:
            say(f"checking {run.folder.name}")
            loaded = defence()
        classifier, data = loaded
        with evaluating(classifier):
            found = look(classifier, data, data.test.spaced(images))
        keep(run.folder, asked, found)
        out += found
    return out


def _alone(classifier: nn.Module, data: Images, chosen: Tensor, *, eta: float, undefended: bool) -> list[Check]:
    x, y, _ = data.test.select(chosen)
    out = defender_checks(classifier, x, y) + probe(classifier, x, y, eta)
    out += [self_test(classifier, x), _same_distribution(classifier, data), apart(data.val.x, data.test.x)]
    if undefended:
        z, _ = allowed(classifier, PGD(eta=UNDEFENDED_ETA), x, y)
        out.append(twin_broken(wrong(classifier, z, y).float().mean().item(), UNDEFENDED_ETA))
    return out


def _beside(
    classifier: nn.Module, data: Images, chosen: Tensor, *, eta: float, others: dict[str, Other]
) -> list[Check]:
    x, y, _ = data.test.select(chosen)
    nets = {name: load() for name, (_, load) in others.items()}
    with evaluating(*nets.values()):
        return transfer(classifier, x, y, eta, **nets)


def _under(classifier: nn.Module, data: Images, chosen: Tensor, *, cell: Cell) -> list[Check]:
    x, y, _ = data.test.select(chosen)
    name, settings = cell["attack"], cell["settings"]
    whole = {"stop": False} if "stop" in settings else {}  # one that stops early asks about few of the images
    out = [silent(classifier, build(settings | whole), x, y, name)]
    if cell["examples"] == examples(data):
        z, _ = allowed(classifier, build(settings | {"steps": 2 * settings["steps"]}), x, y)
        once, twice = bits(cell)[chosen.cpu().numpy()], wrong(classifier, z, y).cpu().numpy()
        out.append(doubling("E11", once, twice, what=f"twice the steps of {name}", attack=name))
    return out


def _same_distribution(classifier: nn.Module, data: Images) -> Check:
    counts = []
    for split in (data.test, data.val):
        missed = torch.cat([wrong(classifier, x, y) for x, y in split.chunks()])
        counts += [int(missed.sum()), len(missed)]
    return same_distribution(*counts)
