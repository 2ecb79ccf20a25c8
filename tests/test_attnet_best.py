"""The best response: its networks' gains, rates and labels, and which of them are kept."""

import pytest
import torch
from problems import Net, some_images
from torch import nn

from mvm.attacks import attnet_group
from mvm.attacks.attnet import AttNetAttack
from mvm.attacks.attnet_best import AttNetBest
from mvm.attacks.attnet_conv import AttNetConv
from mvm.attacks.attnet_stack import AttNetStack
from mvm.attacks.recipe import Recipe

SHAPE, CPU = (1, 28, 28), torch.device("cpu")


def best(**settings):
    plain = {"recipes": {"a": {}, "b": {"loss": "cross_entropy"}}, "restarts": 1, "iterations": 10, "trial": 0.2}
    return AttNetBest(SHAPE, eta=0.1, **(plain | {"batch_size": 10, "sigma": 0.5} | settings))


def test_the_gains_of_several_networks_are_those_of_each_with_the_labels_of_its_images():
    logits, p = torch.randn(2, 5, 3, dtype=torch.float64), torch.randn(2, 5, 4, dtype=torch.float64)
    y, recipe = torch.tensor([0, 1, 2, 0, 1]), Recipe(loss="cross_entropy")
    each = [recipe.gain(a, y, b) for a, b in zip(logits, p, strict=True)]
    torch.testing.assert_close(recipe.gains(logits, y, p), torch.stack(each))


def test_the_rate_is_constant_in_the_trial_and_then_falls_to_0(monkeypatch):
    seen = []
    monkeypatch.setattr(attnet_group, "set_rate", lambda adam, rate: seen.append(rate))
    x, y = some_images(20)
    best(architectures=["mlp"]).fit(Net().eval(), x, y, val=(x, y))
    assert seen == pytest.approx([0.5] * 2 + [0.5 * (1 - i / 8) for i in range(8)])


def test_the_best_of_each_architecture_goes_on():
    attack = best()
    kept = attack._keep_best(attack._groups(CPU), [0.1, 0.9, 0.4, 0.2])
    assert [name for group in kept for name in group.names] == ["mlp b 0", "conv a 0"]


@pytest.mark.parametrize(("by", "name"), [("error", "mlp a 0"), ("risk", "mlp b 0")])
def test_the_network_is_chosen_by_what_is_asked_for(by, name):
    attack = best(by=by, architectures=["mlp"])
    attack.members = [{"val_error": 0.9, "val_risk": 1.0}, {"val_error": 0.1, "val_risk": 5.0}]
    attack._choose(attack._groups(CPU))
    assert attack.best.names == [name]


@pytest.mark.parametrize("kind", ["literal", "best"])
def test_networks_are_trained_against_the_defender_as_it_answers(kind):
    """Without its dropout, in whichever mode it is given."""
    (x, y), out = some_images(20), []
    for mode in (True, False):
        torch.manual_seed(0)
        net = Net().train(mode)
        attack = best(iterations=4, architectures=["mlp"])
        if kind == "literal":
            attack = AttNetAttack(SHAPE, eta=0.1, hidden=10, iterations=4, batch_size=10, sigma=0.1)
        attack.fit(net, x, y, val=(x, y))
        out.append(attack(net, x, y))
    assert torch.equal(*out)


def test_a_convolutional_network_sees_the_label():
    (x, _), net = some_images(1), AttNetConv(SHAPE)
    assert not torch.equal(net(x, torch.tensor([0])), net(x, torch.tensor([1])))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"recipes": {}}, "recipes={}: needs at least one"),
        ({"architectures": ["cnn"]}, "must be some of mlp, conv"),
        ({"architectures": ["conv"], "warm": "attacker.safetensors"}, "warm=attacker.safetensors is for .* mlp"),
    ],
)
def test_impossible_settings_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        best(**wrong)


def test_labels_of_more_classes():
    x, _ = some_images(8)
    attack = best(classes=12, iterations=2, batch_size=8)
    attack.fit(nn.Sequential(nn.Flatten(), nn.Linear(784, 12)), x, torch.arange(4, 12), val=(x, torch.arange(4, 12)))
    assert len(attack.members) == 4


def test_only_the_last_layer_of_a_stack_starts_small():
    """Also where the images have as many pixels as a hidden layer has units."""
    largest = [w.abs().max().item() for w in AttNetStack((3, 4, 5), [0.0], hidden=60).weights]
    assert largest[-1] < 0.02 * min(largest[:-1])
