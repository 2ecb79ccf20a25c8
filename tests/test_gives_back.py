"""AutoAttack gives back the images that it cannot break: it is judged by what it breaks, not by how far it goes, and by
which of its components broke it.
"""

import pytest
import torch
from blobs import ETA, cells_of, trained

from mvm.attacks.attack import Attack
from mvm.attacks.fgsm import FGSM
from mvm.attacks.none import Clean
from mvm.audit.checks.cells import cell_checks, masked
from mvm.audit.checks.verdict import FAIL, NOT_TRIED, PASS, WARN
from mvm.audit.parts import told
from mvm.untried import lacking


class GivesBack(Attack):
    """FGSM where it breaks the classifier."""

    def perturb(self, classifier, x, y):
        z = FGSM(eta=self.eta, box=self.box)(classifier, x, y)
        return torch.where((classifier(z).argmax(1) != y).view(-1, 1, 1, 1), z, x)


class Still(Attack):
    """Breaks nothing."""

    def perturb(self, classifier, x, y):
        return x


@pytest.fixture(scope="module")
def net():
    return trained()


def failed(cells):
    return {c.id for c in cell_checks(cells) if c.verdict == FAIL and c.attack == "autoattack"}


def test_it_is_not_dead(net):
    eta = 0.1 * ETA  # most images hold out
    cells = cells_of(net, none=Clean(), fgsm_box=FGSM(eta=eta, box=True), autoattack=GivesBack(eta=eta, box=True))
    assert cells["autoattack"]["reach"] < 0.5 and not failed(cells)


def test_it_must_break_what_fgsm_breaks(net):
    cells = cells_of(net, none=Clean(), fgsm_box=FGSM(eta=2 * ETA, box=True), autoattack=Still(eta=2 * ETA, box=True))
    assert cells["fgsm_box"]["error"] > 0.2 + cells["none"]["error"]
    assert "E06" in failed(cells)


def of_parts(n=1000, **broken):
    settings = {"_target_": "mvm.attacks.autoattack.AutoAttack"}
    return {"attack": "autoattack", "n": n, "settings": settings, "report": {"broken": broken}}


@pytest.mark.parametrize(
    ("square", "verdict"),
    [(0, PASS), (2, PASS), (3, WARN), (40, WARN)],  # 0.2 % of the images
)
def test_what_only_square_breaks_says_that_gradients_are_masked(square, verdict):
    (check,) = masked(of_parts(clean=9, **{"apgd-ce": 80, "fab-t": 0}, square=square))
    assert (check.id, check.verdict, check.attack) == ("E35", verdict, "autoattack")
    assert check.numbers["square"] == square


@pytest.mark.parametrize(
    "cell",
    [
        {"attack": "pgd", "n": 10, "settings": {}},
        of_parts(clean=9, square=50),  # nothing before it
        of_parts(square=50, fab=1),  # gradients came after it
        of_parts(clean=9, fab=50),
    ],
)
def test_square_says_nothing_where_no_gradients_came_before_it(cell):
    assert not list(masked(cell))


def test_the_components_are_told():
    assert list(told(of_parts(n=50, clean=1, square=4))) == ["clean 1, square 4 of 50 images"]


def test_a_score_that_does_not_know_its_components_is_named():
    cell = of_parts(clean=0, square=0)
    game = {"_target_": "mvm.games.undefended.Undefended"}
    assert not list(lacking({"autoattack": cell}, game, []))
    (check,) = lacking({"autoattack": {k: v for k, v in cell.items() if k != "report"}}, game, [])
    assert (check.id, check.verdict, check.attack) == ("E35", NOT_TRIED, "autoattack")
