"""AutoAttack gives back the images that it cannot break: it is judged by what it breaks, not by how far it goes."""

import pytest
import torch
from blobs import ETA, cells_of, trained

from mvm.attacks.attack import Attack
from mvm.attacks.fgsm import FGSM
from mvm.attacks.none import Clean
from mvm.audit.checks.cells import cell_checks
from mvm.audit.checks.verdict import FAIL


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
