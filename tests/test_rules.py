"""The rules about a cell's origin, the training curve, the attack's iterates and the checks themselves, one by one."""

import copy
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from blobs import ETA, Net, blobs, cells_of, data_of, trained
from torch import nn

from mvm.attacks.attack import Attack
from mvm.attacks.fgsm import FGSM
from mvm.attacks.ifgsm import IFGSM
from mvm.attacks.noise import Noise
from mvm.attacks.none import Clean
from mvm.attacks.pgd import PGD
from mvm.audit.bits import pack, unpack
from mvm.audit.checks import selftest
from mvm.audit.checks.apart import apart
from mvm.audit.checks.defender import connected
from mvm.audit.checks.provenance import clean_beside, kinds, own_weights, precision, unseen
from mvm.audit.checks.silent import silent
from mvm.audit.checks.transfer import transfer
from mvm.audit.checks.verdict import FAIL, PASS, WARN
from mvm.audit.checks.worst import pointwise, worst_case
from mvm.audit.score import eight_bits
from mvm.data.images import Split
from mvm.digest import digest_of
from mvm.weights import digest, save_weights


@pytest.fixture(scope="module")
def net():
    return trained()


class Overshoots(Attack):
    """Visits PGD's image and returns another one."""

    def perturb(self, classifier, x, y):
        classifier(PGD(eta=self.eta)(classifier, x, y))
        return x


class Peeks(Attack):
    """Visits an image outside of the ball only."""

    def perturb(self, classifier, x, y):
        g = torch.autograd.grad(nn.functional.cross_entropy(classifier(x.requires_grad_()), y), x)[0]
        classifier(x + 2 * g.sign())
        return x.detach()


def test_silent_successes_are_counted_within_the_threat_model(net):
    x, y = blobs()
    found = silent(net, Overshoots(eta=0.6, box=True), x, y, "pgd")
    assert found.verdict == WARN and found.numbers["any_iterate"] > found.numbers["returned"] + 0.1
    assert silent(net, PGD(eta=0.6), x, y, "pgd").verdict == PASS  # it keeps the best
    assert silent(net, Peeks(eta=0.1, box=False), x.clone(), y, "x").verdict == PASS
    assert silent(net, IFGSM(eta=0.6, step=0.1), x, y, "ifgsm").numbers["n"] == len(x)


def settings(target, **more):
    return {"_target_": f"mvm.attacks.{target}", **more}


def test_the_attacks_of_a_game_are_found_wherever_they_are():
    game = {"against": settings("fgsm.FGSM"), "members": {"a": settings("pgd.PGD", start=settings("attnet_best.A"))}}
    assert kinds(game) == {"fgsm", "pgd", "attnet"} and kinds({"lambda_": 1}) == set()


@pytest.mark.parametrize(
    ("scored", "game", "verdict"),
    [
        (["none.Clean", "fgsm.FGSM"], {"against": settings("fgsm.FGSM")}, FAIL),
        (["none.Clean", "fgsm.FGSM", "noise.Noise", "transfer.Transfer"], {"against": settings("fgsm.FGSM")}, FAIL),
        (["attnet_best.AttNetBest"], {"attack": settings("attnet.AttNetAttack")}, FAIL),
        (["attnet_best.AttNetBest"], {"attack": settings("attnet_folded.AttNetFoldedAttack")}, FAIL),
        (["pgd.PGD"], {"attack": settings("attnet.AttNetAttack")}, PASS),
        (["mine.FGSMOfMine"], {}, FAIL),
        (["fgsm.FGSM"], {}, FAIL),  # a single step is no test of robustness
        (["ifgsm.IFGSM"], {"against": settings("fgsm.FGSM")}, PASS),
        (["apgd.APGD"], {"against": settings("pgd.PGD")}, PASS),
        (["pgd.PGD"], {"against": settings("pgd.PGD")}, FAIL),
    ],
)
def test_only_an_unseen_attack_speaks_of_robustness(scored, game, verdict):
    found = unseen({str(i): {"settings": settings(t)} for i, t in enumerate(scored)}, game)
    assert found.verdict == verdict and found.attack == "worst"


def test_an_attack_of_ones_own_counts_if_it_has_steps():
    for more, verdict in (({"steps": 1}, FAIL), ({"steps": 20}, PASS), ({"iterations": 300}, PASS)):
        assert unseen({"mine": {"settings": settings("mine.Mine", **more)}}, {}).verdict == verdict


def test_a_cell_knows_its_weights(net, tmp_path):
    cell = cells_of(net, none=Clean())["none"]
    save_weights(net, tmp_path / "u.safetensors")
    assert cell["weights"] == digest_of(tmp_path / "u.safetensors") == digest(net)
    assert own_weights(cell, cell["weights"]).verdict == PASS
    assert own_weights(cell, "0").verdict == FAIL
    assert own_weights({"attack": "none"}, "0").verdict == WARN  # an older version's
    other = copy.deepcopy(net)
    with torch.no_grad():
        other.get_parameter("4.bias").add_(1e-6)
    assert digest(other) != cell["weights"]


def test_clean_beside_the_others():
    assert clean_beside({"pgd": {}}).verdict == FAIL and clean_beside({"none": {}}).verdict == PASS


def test_eight_bits_are_the_levels_of_the_image():
    pixels = torch.arange(256).float().view(1, 1, 16, 16)
    x = pixels / 127.5 - 1
    z = eight_bits((x + 0.3).clamp(-1, 1), x, torch.tensor([0.5]))
    levels = (z + 1) * 127.5
    torch.testing.assert_close(levels, levels.round(), atol=1e-3, rtol=0)
    assert (z - (x + 0.3).clamp(-1, 1)).abs().max() <= 1 / 255 + 1e-6
    standardised = (pixels / 255 - 0.4) / 0.7  # unit 0.7: one level is 1 / (255 * 0.7)
    moved = eight_bits(standardised + 0.1, standardised, torch.tensor([0.7]))
    back = (moved * 0.7 + 0.4) * 255
    torch.testing.assert_close(back, back.round(), atol=1e-3, rtol=0)


def test_what_8_bits_undo_is_marked(net):
    class Faint(nn.Module):
        """Wrong only where a pixel is off the levels, which no picture in a file is."""

        def forward(self, z):
            off = ((z + 1) * 127.5 - ((z + 1) * 127.5).round()).abs().flatten(1).amax(1) > 0.1
            return net(z) * torch.where(off, -1.0, 1.0)[:, None]

    class Nudge(Attack):
        def perturb(self, classifier, x, y):
            return x + 0.5 / 255

    x, y = blobs()
    x = ((x + 1) * 127.5).round() / 127.5 - 1
    from mvm.audit.score import score

    cell = {
        "attack": "nudge",
        "settings": {},
        **score(Faint(), Nudge(eta=0.1, box=False), data_of(x, y), lambda *a: None),
    }
    assert precision(cell).verdict == WARN and precision(cell).numbers["change"] > 0.5
    assert "stop=true" not in precision(cell).text
    assert "stop=true" in precision(cell | {"settings": {"stop": True}}).text
    assert precision(cells_of(net, pgd=PGD(eta=ETA))["pgd"]).verdict == PASS


def test_the_worst_case_is_pointwise(net):
    boxed = {"eta": ETA, "box": True}
    cells = cells_of(net, none=Clean(), noise=Noise(**boxed), fgsm=FGSM(**boxed), pgd=PGD(eta=0.2))
    worst = worst_case(cells)
    union = np.logical_or.reduce([unpack(c["wrong"], c["n"]) for c in cells.values()])
    assert worst["error"] == union.mean() >= max(c["error"] for c in cells.values())
    assert (worst["eta"], worst["box"], worst["n"]) == (ETA, True, 300) and pointwise(cells, worst).verdict == PASS
    mean = sum(c["error"] for c in cells.values()) / 4
    assert pointwise(cells, worst | {"error": mean}).verdict == FAIL
    assert pointwise(cells, worst | {"wrong": pack(np.zeros(300, bool)), "error": 0.0}).verdict == FAIL
    assert worst_case({"none": cells["none"]}) is None
    assert worst_case(cells | {"fgsm": cells["fgsm"] | {"examples": "other"}}) is None


def test_the_checks_check_themselves(net, monkeypatch):
    x, _ = blobs()
    assert selftest.self_test(net, x).verdict == PASS
    assert selftest.self_test(Net(), x).verdict == PASS  # whatever the net answers
    monkeypatch.setattr(selftest, "gradients", lambda *a: SimpleNamespace(verdict=PASS))
    assert selftest.self_test(net, x).verdict == FAIL


def test_preprocessing_outside_of_the_graph_is_caught(net):
    class Outside(nn.Module):
        def forward(self, x):
            return net(torch.from_numpy(x.detach().numpy() * 1.0))

    class Frozen(nn.Module):
        @torch.no_grad()
        def forward(self, x):
            return net(x)

    x, _ = blobs(1)
    assert connected(net, x).verdict == PASS and connected(net.requires_grad_(False), x).verdict == PASS
    assert connected(Outside(), x).verdict == connected(Frozen(), x).verdict == FAIL


def test_test_images_are_not_chosen_by():
    test, val = blobs(200)[0], blobs(100, seed=1)[0]
    assert apart(val, test).verdict == PASS
    assert apart(torch.cat([val, test[:2]]), test).verdict == PASS  # data sets have doubles
    found = apart(torch.cat([val, test[:3]]), test)
    assert found.verdict == FAIL and found.numbers["shared"] == 3
    assert apart(test, test).verdict == FAIL


def test_a_copy_from_another_seed_does_not_beat_white_box(net):
    class Astray(nn.Module):
        """Its gradients are of another function."""

        def forward(self, x):
            return net(x).detach() + (net(-x) - net(-x).detach())

    found = transfer(Astray(), *blobs(), 0.6, copy=net)
    assert [(c.id, c.verdict) for c in found] == [("E31", WARN)]
    other = Net()
    other.load_state_dict(net.state_dict())
    assert [(c.id, c.verdict) for c in transfer(net, *blobs(), 0.6, copy=other)] == [("E31", PASS)]


def test_the_rules_look_at_images_from_all_over_the_test_set():
    def spaced(images, y):
        return Split(y, y, y).spaced(images)

    assert spaced(4, torch.arange(10)).tolist() == [0, 2, 5, 7]
    assert spaced(10, torch.arange(4)).tolist() == [0, 1, 2, 3]
    y = torch.arange(1000) // 100  # in the order of the labels, as data=mnist5k is
    assert y[spaced(150, y)].unique(return_counts=True)[1].tolist() == [15] * 10
