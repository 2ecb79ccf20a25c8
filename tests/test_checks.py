"""Every planted weakness is caught and named; an honest, PGD-trained defender passes."""

import numpy as np
import pytest
import torch
from blobs import ETA, Net, blobs, cells_of
from problems import Linear
from torch import nn

from mvm.attacks.attack import Attack, wrong
from mvm.attacks.attacked import evaluating
from mvm.attacks.fgsm import FGSM
from mvm.attacks.noise import Noise
from mvm.attacks.none import Clean
from mvm.attacks.pgd import PGD
from mvm.audit.bits import pack, unpack
from mvm.audit.checks.at_least import at_least
from mvm.audit.checks.cells import cell_checks
from mvm.audit.checks.defender import defender_checks, eval_mode, gradients
from mvm.audit.checks.grid import same_distribution, seeds, twin_broken
from mvm.audit.checks.probe import doubling, limit, probe, restarts
from mvm.audit.checks.selftest import Masked
from mvm.audit.checks.transfer import transfer
from mvm.audit.checks.verdict import FAIL, PASS, WARN, badges


@pytest.fixture(scope="module")
def honest():
    """A net trained on PGD's images of itself."""
    torch.manual_seed(0)
    net, adam = Net(), None
    adam = torch.optim.Adam(net.parameters(), 1e-2)
    for i in range(60):
        x, y = blobs(128, seed=100 + i)
        z = PGD(eta=ETA, steps=5)(net, x, y)
        adam.zero_grad()
        nn.functional.cross_entropy(net(z), y).backward()
        adam.step()
    return net.eval()


def failed(checks):
    return {c.id for c in checks if c.verdict == FAIL}


def everything(net):
    with evaluating(net):
        return defender_checks(net, *blobs()) + probe(net, *blobs(), ETA)


def usual(net):
    boxed = {"eta": ETA, "box": True}
    return cells_of(net, none=Clean(), noise=Noise(**boxed), fgsm=FGSM(**boxed), pgd=PGD(eta=ETA))


def test_an_honest_defender_passes(honest):
    checks = everything(honest) + cell_checks(usual(honest))
    assert not failed(checks), [c for c in checks if c.verdict == FAIL]
    assert {c.id for c in checks} >= {
        "E01",
        "E02",
        "E03",
        "E04",
        "E05",
        "E06",
        "E07",
        "E09",
        "E10",
        "E13",
        "E15",
        "E17",
    }


@pytest.mark.parametrize(("quantise", "scale"), [(True, 1e4), (False, 1e5), (True, 1.0)])
def test_a_masked_defender_is_caught(honest, quantise, scale):
    assert "E05" in failed(everything(Masked(honest, quantise=quantise, scale=scale)))


def test_a_masked_defender_is_weaker_than_it_looks(honest):
    """What is caught matters: PGD on the masked net finds little, and the net beneath breaks its images."""
    masked, (x, y) = Masked(honest), blobs()
    own = (masked(PGD(eta=0.5)(masked, x, y)).argmax(1) != y).float().mean()
    carried = (masked(PGD(eta=0.5)(honest, x, y)).argmax(1) != y).float().mean()
    assert carried > own + 0.1


def test_transfer_catches_what_has_gradients_that_mislead(honest):
    """Gradients are there, but of another function: PGD goes astray, another net's images do not."""

    class Astray(nn.Module):
        def __init__(self, net):
            super().__init__()
            self.net = net

        def forward(self, x):
            there = self.net(x)
            return there.detach() + (self.net(-x) - self.net(-x).detach())

    with evaluating(honest):
        caught = failed(transfer(Astray(honest), *blobs(), 0.6, surrogate=honest))
    assert "E07" in caught


def test_a_net_left_in_train_mode_is_caught():
    net = Net(p=0.5).train()
    assert eval_mode(net).verdict == FAIL and eval_mode(net).numbers["modules"] == ["3"]
    assert {"E02", "E03"} <= failed(defender_checks(net, *blobs()))
    assert eval_mode(net.eval()).verdict == PASS


def test_a_softmax_output_is_caught(honest):
    assert "E04" in failed(defender_checks(nn.Sequential(honest, nn.Softmax(1)), *blobs()))


def test_gradients_are_counted_on_rightly_answered_images_only(honest):
    x, y = blobs()
    assert gradients(Masked(honest), x, (honest(x).argmax(1) + 1) % 10).verdict == PASS


class Still(Attack):
    """Zero steps."""

    def perturb(self, classifier, x, y):
        return x


class Outside(Attack):
    """Leaves the ball by 1e-3."""

    def perturb(self, classifier, x, y):
        return x + (self.eta + 1e-3)


class Same(Attack):
    """One perturbation for every image."""

    def perturb(self, classifier, x, y):
        return x + self.eta


def test_an_attack_with_zero_steps_is_caught(honest):
    checks = cell_checks(cells_of(honest, none=Clean(), noise=Noise(eta=ETA), pgd=Still(eta=ETA, box=False)))
    assert ("E18", "pgd") in {(c.id, c.attack) for c in checks if c.verdict == FAIL}


def test_an_attack_that_leaves_the_ball_is_caught_and_counts_as_none(honest):
    cells = cells_of(honest, none=Clean(), fgsm=Outside(eta=ETA, box=False))
    assert ("E01", "fgsm") in {(c.id, c.attack) for c in cell_checks(cells) if c.verdict == FAIL}
    assert cells["fgsm"]["error"] == cells["none"]["error"] and "moved a pixel by 0.301" in cells["fgsm"]["infeasible"]


def test_a_collapsed_attacker_is_marked(honest):
    checks = cell_checks(cells_of(honest, none=Clean(), attnet=Same(eta=ETA, box=False)))
    assert "E18" in {c.id for c in checks if c.verdict == WARN and c.attack == "attnet"}


def test_the_wrong_order_of_attacks_is_caught(honest):
    weak, strong = Noise(eta=0.6, box=True), PGD(eta=0.6)
    checks = cell_checks(cells_of(honest, pgd=weak, attnet=strong, noise=weak))
    assert ("E08", "pgd") in {(c.id, c.attack) for c in checks if c.verdict == FAIL}
    assert not failed(cell_checks(cells_of(honest, pgd=strong, attnet=weak, noise=weak)))


@pytest.mark.parametrize("network", ["attnet", "attnet_best", "attnet_risk", "attnet_folded", "own"])
def test_a_network_and_pgd_are_held_against_each_other(honest, network):
    weak, strong = Noise(eta=0.6, box=True), PGD(eta=0.6)
    found = {
        name: {(c.id, c.attack, c.verdict) for c in cell_checks(cells_of(honest, **{"pgd": pgd, network: net}))}
        for name, pgd, net in (("pgd", weak, strong), ("network", strong, weak))
    }
    assert ("E08", "pgd", FAIL) in found["pgd"] and ("E34", network, PASS) in found["pgd"]
    assert ("E08", "pgd", PASS) in found["network"] and ("E34", network, WARN) in found["network"]


def test_pgd_in_the_box_is_held_against_a_network_outside(honest):
    class Network(PGD):
        """Strong, and learned as far as anyone can see."""

        fit_steps = 1

    strong, weak = Network(eta=0.6, box=False), Noise(eta=0.6, box=True)
    cells = cells_of(honest, pgd=weak, attnet=strong)
    assert ("E08", "pgd") in {(c.id, c.attack) for c in cell_checks(cells) if c.verdict == FAIL}
    missed = unpack(cells["attnet"]["wrong_boxed"], cells["attnet"]["n"])
    x, y = blobs()
    assert missed.tolist() == wrong(honest, strong(honest, x, y).clamp(-1, 1), y).tolist()
    assert not failed(cell_checks(cells_of(honest, pgd=PGD(eta=0.6), attnet=strong, noise=weak)))


def test_label_leak_and_other_images_are_caught(honest):
    x, y = blobs(600)
    wrong = np.zeros(600, dtype=bool)
    cells = cells_of(honest, none=Clean(), fgsm=FGSM(eta=ETA))

    cells["none"]["wrong"], cells["fgsm"]["wrong"] = pack(np.arange(300) < 30), pack(wrong[:300])
    assert "E15" in failed(cell_checks(cells)) and "E15" not in failed(cell_checks(cells, adversarially_trained=False))
    cells["fgsm"]["settings"] = {"source": "789714ff"}  # made on another classifier, harmless to this one
    assert not failed(cell_checks(cells | {"noise": cells["none"] | {"attack": "noise"}})) & {"E07", "E15"}
    cells["fgsm"]["examples"] = "0"
    assert "E24" in failed(cell_checks(cells))


def test_a_constant_classifier_is_caught():
    g = Linear(64, 10, torch.float32)
    with torch.no_grad():
        g.layer.bias[3] = 100
    assert "E17" in failed(cell_checks(cells_of(g, none=Clean())))


def test_mislabelled_test_images_are_caught(honest):
    x, y = blobs(2000)
    y = torch.where(torch.arange(2000) % 20 == 0, (y + 1) % 10, y)  # one in twenty
    missed = int((honest(x).argmax(1) != y).sum())
    clean, (vx, vy) = 0, blobs(1000, seed=5)
    clean = int((honest(vx).argmax(1) != vy).sum())
    assert same_distribution(missed, 2000, clean, 1000).verdict == FAIL
    assert same_distribution(93, 10_000, 60, 5000).verdict == PASS


def test_single_rules():
    a, b = np.arange(500) < 100, np.arange(500) < 140
    assert at_least("E06", "", a, b).verdict == FAIL and at_least("E06", "", b, a).verdict == PASS
    assert at_least("E06", "", a, np.arange(500) < 102).verdict == PASS  # within chance
    assert doubling("E11", a, b, what="").verdict == WARN and doubling("E11", a, a, what="").verdict == PASS
    assert seeds(2).verdict == WARN and seeds(3).verdict == PASS
    assert twin_broken(0.9, 0.6).verdict == FAIL and twin_broken(0.99, 0.6).verdict == PASS
    assert badges([twin_broken(0.9, 0.6), seeds(1)]) == "E25! E30"


def test_an_attack_that_forgets_broken_images_is_caught(honest, monkeypatch):
    from mvm.attacks import pgd

    assert restarts(honest, *blobs(), 0.6).verdict == PASS
    monkeypatch.setattr(pgd, "worst_of", lambda attempts, x, y: attempts[-1](x, y).z if len(attempts) == 1 else x)
    assert restarts(honest, *blobs(), 0.6).verdict == FAIL


def test_at_eta_1_nothing_may_be_left(honest):
    assert limit(honest, *blobs()).verdict == PASS
    found = limit(Masked(honest), *blobs())
    assert found.verdict == FAIL and found.id == "E10" and found.numbers["accuracy"] > found.numbers["allowed"]
