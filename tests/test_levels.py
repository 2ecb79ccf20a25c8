"""Where the rules draw their lines, and what of an attack they measure."""

import numpy as np
import pytest
from blobs import data_of
from problems import Smooth, images

from mvm.attacks.attack import Attack
from mvm.attacks.pgd import PGD
from mvm.audit.bits import pack
from mvm.audit.checks import probe as probing
from mvm.audit.checks.at_least import at_least
from mvm.audit.checks.cells import reaches
from mvm.audit.checks.verdict import FAIL, PASS
from mvm.audit.checks.worst import worst_case
from mvm.audit.score import score


def test_the_worst_case_is_boxed_only_if_all_attacks_are():
    cell = {"eta": 0.3, "n": 4, "wrong": pack(np.zeros(4, bool)), "examples": "e"}
    cells = {"pgd": cell | {"attack": "pgd", "box": True}, "fgsm": cell | {"attack": "fgsm", "box": False}}
    assert worst_case(cells)["box"] is False and worst_case({"pgd": cells["pgd"]})["box"] is True


@pytest.mark.parametrize(("more", "verdict"), [(8, PASS), (13, FAIL)])  # 2.7 and 3.5 standard errors
def test_an_attack_is_not_called_weaker_by_chance(more, verdict):
    assert at_least("E06", "", np.zeros(1000, bool), np.arange(1000) < more).verdict == verdict


@pytest.mark.parametrize(("settings", "verdict"), [({"restarts": 1}, FAIL), ({}, PASS)])
def test_an_attack_that_starts_at_random_has_twice_the_way_to_go(settings, verdict):
    (check,) = reaches({"attack": "a", "eta": 0.3, "settings": {"steps": 15, "step": 0.03, **settings}})
    assert check.verdict == verdict  # 0.45, of 0.6 and of 0.3


def test_the_reach_is_the_largest_move_of_a_pixel():
    class OnePixel(Attack):
        def perturb(self, classifier, x, y):
            z = x.clone()
            z[:, :, 0, 0] += self.eta
            return z

    cell = score(Smooth(64), OnePixel(eta=0.3, box=False), data_of(*images(7, (1, 8, 8))), lambda *a: None)
    assert cell["reach"] == pytest.approx(1)


def test_pgd_is_asked_at_half_the_radius_and_with_twice_the_steps(monkeypatch):
    asked = []
    monkeypatch.setattr(probing, "broken", lambda g, x, y, a: asked.append(a) or np.zeros(len(x), bool))
    probing.probe(Smooth(), *images(7), 0.4)
    made = {(attack.eta, attack.steps) for attack in asked if type(attack) is PGD}
    assert {(0.2, 20), (0.4, 20), (0.4, 40)} <= made
