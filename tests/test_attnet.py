"""The attack network, the stack of several, and the best response of many."""

import pytest
import torch
from problems import Linear, Net, images, some_images

from mvm.attacks.attack import wrong
from mvm.attacks.attnet import AttNet, AttNetAttack
from mvm.attacks.attnet_best import AttNetBest
from mvm.attacks.attnet_group import Group
from mvm.attacks.attnet_stack import AttNetStack
from mvm.attacks.fgsm import FGSM
from mvm.audit.parts import told


def test_attnet_has_the_papers_shape():
    assert sum(p.numel() for p in AttNet((1, 28, 28), eta=0.3).parameters()) == 655_084
    assert sum(p.numel() for p in AttNet((3, 32, 32), eta=0.1).parameters()) == 2_030_172


def test_attnet_learns_the_best_attack_on_a_linear_classifier():
    """On two classes the best perturbation depends on the label alone, so Eq. (9) can reach FGSM's loss."""
    torch.manual_seed(0)
    g, (x, y) = Linear(classes=2), images(256, classes=2)
    attack = AttNetAttack(x.shape[1:], eta=0.3, hidden=30, dropout=0.0, iterations=300, batch_size=64, sigma=1e-2)
    x = x.float()
    g.float()
    state = torch.get_rng_state()
    attack.fit(g, x, y)
    assert torch.equal(torch.get_rng_state(), state)
    reached, best = attack(g, x, y), FGSM(eta=0.3)(g, x, y)
    loss = torch.nn.functional.cross_entropy
    assert loss(g(reached), y) > loss(g(x), y) + 0.95 * (loss(g(best), y) - loss(g(x), y))
    again = AttNetAttack(x.shape[1:], eta=0.3, hidden=30, dropout=0.0, iterations=300, batch_size=64, sigma=1e-2)
    again.fit(g, x, y)
    assert torch.equal(again(g, x, y), reached)


def test_stacked_networks_are_the_same_as_single_ones():
    stack, (x, y) = AttNetStack((1, 28, 28), [0.0, 0.0, 0.0]), some_images(4)
    literal = AttNet((1, 28, 28), eta=0.3).eval()
    stack.load_attnet(1, literal.state_dict())
    p = stack(x, y)
    torch.testing.assert_close(x + 0.3 * torch.tanh(p[1]), literal(x, y))
    torch.testing.assert_close(stack.select([2, 1])(x, y), p[[2, 1]])
    assert p[0].abs().max() < 0.05  # the small start


def fitted(seed=0, **settings):
    torch.manual_seed(0)
    g, (x, y) = Net().eval(), some_images(400)
    y = g(x).argmax(1)
    recipes = {"margin": {}, "cross_entropy": {"loss": "cross_entropy"}}
    plain = {"recipes": recipes, "iterations": 40, "restarts": 1, "batch_size": 50, "sigma": 1e-2}
    attack = AttNetBest((1, 28, 28), eta=0.1, seed=seed, **(plain | settings))
    attack.fit(g, x[:300], y[:300], val=(x[300:], y[300:]))
    return attack, g, x, y


def test_best_response_keeps_the_member_that_is_worst_on_validation():
    attack, g, x, y = fitted()
    report = attack.report()
    assert len(report["members"]) == 4 and [m["iterations"] for m in report["members"]] == [40, 40, 8, 8]
    assert {m["name"].split()[0] for m in report["members"][:2]} == {"mlp", "conv"}  # whichever was ahead after 8
    chosen = next(m for m in report["members"] if m["name"] == report["chosen"])
    assert chosen["val_error"] == max(m["val_error"] for m in report["members"][:2])
    on_val = wrong(g, attack(g, x[300:], y[300:]), y[300:]).float().mean().item()
    assert on_val == pytest.approx(chosen["val_error"]) and on_val > 0.3
    again, *_ = fitted()
    assert torch.equal(attack(g, x, y), again(g, x, y))


def test_people_see_every_member_and_the_gap_of_the_chosen_one():
    report = fitted()[0].report()
    lines = list(told({"report": report, "error": 0.25, "predicted": [3, 4], "settings": {}}))
    assert len(lines) == 5 and all(any(m["name"] in line for line in lines) for m in report["members"])
    (k,) = [k for k, line in enumerate(lines) if line.endswith("<- chosen")]
    assert lines[k].startswith(report["chosen"])
    train = next(m["train_error"] for m in report["members"] if m["name"] == report["chosen"])
    assert f"(training - test {train - 0.25:+.4f}); answers by class: 3 4" in lines[k + 1]
    assert not list(told({"error": 0.1}))
    assert len(list(told({"report": report, "error": 0.25, "settings": {"start": {"box": True}}}))) == 4  # PGD's error


def test_best_response_does_not_weaken_when_warm_started(tmp_path):
    """An attacker that breaks everything by itself, trained no further than one step at a rate near 0."""
    from mvm.weights import save_weights

    attack, g, x, y = fitted(architectures=["mlp"])
    member = attack.best.net
    literal = AttNet((1, 28, 28), eta=0.1)
    with torch.no_grad():
        for i, (w, b) in enumerate(zip(member.weights, member.biases, strict=True)):
            literal.h[3 * i].weight.copy_(w[0].T)
            literal.h[3 * i].bias.copy_(b[0, 0])
    save_weights(literal, tmp_path / "attacker.safetensors")
    before = wrong(g, attack(g, x[300:], y[300:]), y[300:]).float().mean().item()
    warm, *_ = fitted(architectures=["mlp"], iterations=1, sigma=1e-9, warm=str(tmp_path / "attacker.safetensors"))
    assert warm.report()["chosen"] == "mlp warm"
    assert next(m for m in warm.members if m["name"] == "mlp warm")["val_error"] == pytest.approx(before, abs=0.011)


def literal(iterations, **more):
    torch.manual_seed(0)
    g, (x, y) = Net().eval(), some_images(400)
    y = g(x).argmax(1)
    attack = AttNetAttack((1, 28, 28), eta=0.1, hidden=30, iterations=iterations, batch_size=50, sigma=1e-2, seed=3)
    attack.fit(g, x[:300], y[:300], **more)
    return attack, g, (x[300:], y[300:])


def test_training_does_not_notice_that_it_is_measured():
    """Dropout draws in every step, so that one number drawn in between would show."""
    _, _, val = literal(1)
    one, other = literal(30)[0], literal(30, val=val)[0]
    assert all(torch.equal(p, q) for p, q in zip(one.net.parameters(), other.net.parameters(), strict=True))
    assert one.report() == {} and other.report()["doubled"]["n"] == 100


def test_half_of_a_training_is_a_training_of_half_the_length():
    _, _, val = literal(1)
    whole, g, _ = literal(60, val=val)
    half, *_ = literal(30)
    before, after = (wrong(g, attack(g, *val), val[1]) for attack in (half, whole))
    assert whole.report()["doubled"] == {
        "iterations": [30, 60],
        "val_errors": [int(before.sum()) / 100, int(after.sum()) / 100],
        "n": 100,
        "gained": int((after & ~before).sum()),
        "lost": int((before & ~after).sum()),
    }
    assert before.float().mean() < after.float().mean()
    assert literal(1, val=val)[0].report() == {}  # one iteration has no half


@pytest.mark.parametrize("trial", [0.2, 0.6])  # half lies after the trial, or in it
def test_the_best_response_does_not_notice_either(monkeypatch, trial):
    dropped = {"recipes": {"margin": {"dropout": 0.3}, "cross_entropy": {"loss": "cross_entropy", "dropout": 0.3}}}
    measured, g, x, y = fitted(trial=trial, iterations=20, **dropped)
    monkeypatch.setattr(Group, "missed", lambda self, g, x, y: dict.fromkeys(self.names, torch.zeros(len(x)).bool()))
    blind, *_ = fitted(trial=trial, iterations=20, **dropped)
    assert torch.equal(measured(g, x, y), blind(g, x, y)) and measured.members == blind.members
    assert blind.report()["doubled"]["val_errors"] == [0, 0] != measured.report()["doubled"]["val_errors"]


def test_the_half_of_the_best_response_is_that_of_the_member_kept():
    """At a constant rate: what the same member ends with after half of the iterations."""
    whole, *_ = fitted(trial=1.0, architectures=["mlp"])
    half, *_ = fitted(trial=1.0, architectures=["mlp"], iterations=20)
    name, found = whole.report()["chosen"], whole.report()["doubled"]
    ends = [next(m["val_error"] for m in attack.members if m["name"] == name) for attack in (half, whole)]
    assert found["val_errors"] == pytest.approx(ends) and found["iterations"] == [20, 40]
    assert (found["gained"] - found["lost"]) / found["n"] == pytest.approx(ends[1] - ends[0], abs=1e-6)
