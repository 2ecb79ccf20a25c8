"""The attack network with the ball and the box in its output map, and a gain of its own."""

import copy

import pytest
import torch
from problems import Linear, images, some_images

from mvm.attacks.attnet import AttNet
from mvm.attacks.attnet_folded import AttNetFolded, AttNetFoldedAttack
from mvm.attacks.loss import margin
from mvm.games.maximin import Maximin
from mvm.threat import check_feasible, middle


@pytest.mark.parametrize("box", [False, True])
@pytest.mark.parametrize("architecture", ["mlp", "conv"])
def test_it_is_feasible_and_reaches_the_border_of_ball_and_box(architecture, box):
    torch.manual_seed(0)
    net, (x, y) = AttNetFolded((1, 28, 28), eta=0.3, box=box, architecture=architecture), some_images(8)
    mid, _ = middle(x, 0.3, box=box)
    assert (net(x, y) - mid).abs().max() < 0.01  # the small start: at the middle
    with torch.no_grad():
        (net.h.out if architecture == "conv" else net.h[-1]).bias.fill_(20.0)
    z = net(x, y)
    check_feasible(z, x, 0.3, box=box, name="folded")
    torch.testing.assert_close(z, (x + 0.3).clamp(max=1) if box else x + 0.3)


def test_unboxed_it_is_the_papers_network():
    torch.manual_seed(0)
    literal, folded = AttNet((1, 28, 28), eta=0.3, dropout=0.0), AttNetFolded((1, 28, 28), eta=0.3, cap=1.0)
    folded.load_state_dict(literal.state_dict())
    x, y = some_images(4)
    torch.testing.assert_close(folded(x, y), literal(x, y))
    logits = torch.randn(4, 10)
    torch.testing.assert_close(literal.gain(logits, y), torch.nn.functional.cross_entropy(logits, y))
    saturation = literal.p(x, y).square().mean()
    torch.testing.assert_close(folded.gain(logits, y), margin(logits, y).clamp(max=1).mean() - 0.03 * saturation)
    further = AttNetFolded((1, 28, 28), eta=0.3)
    further.load_state_dict(literal.state_dict())
    further(x, y)
    logits = 9 * logits
    torch.testing.assert_close(further.gain(logits, y), margin(logits, y).clamp(max=5).mean() - 0.03 * saturation)


def test_the_penalty_keeps_tanh_out_of_saturation():
    """On a linear classifier risk alone drives every p without end; penalised, p stays where tanh has a slope."""
    torch.manual_seed(0)
    g, (x, y) = Linear().float(), images(256)
    x, reached = x.float(), {}
    for penalty in (0.0, 0.03):
        attack = AttNetFoldedAttack(
            x.shape[1:],
            eta=0.3,
            hidden=30,
            iterations=400,
            batch_size=64,
            sigma=1e-2,
            dropout=0.0,
            loss="cross_entropy",
            penalty=penalty,
        )
        attack.fit(g, x, y)
        reached[penalty] = attack.net.p(x, y).abs().mean().item()
    assert reached[0.0] > 4 > 2 > reached[0.03] > 0.1


@pytest.mark.parametrize("wrong", [{"penalty": -1.0}, {"loss": "risk"}, {"architecture": "vit"}])
def test_impossible_gains_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        AttNetFolded((1, 28, 28), eta=0.3, **wrong)


def test_it_can_be_copied_between_two_steps():
    """Which a network that holds the graph of its last images could not be."""
    net, (x, y) = AttNetFolded((1, 28, 28), eta=0.3, hidden=5), some_images(4)
    net(x, y)
    net.gain(torch.randn(4, 10), y)
    assert copy.deepcopy(net)(x, y).equal(net(x, y))


def test_one_that_leads_is_refused():
    with pytest.raises(ValueError, match="one that leads moves on f: attack=attnet"):
        Maximin(
            Linear(),
            attack=AttNetFoldedAttack((1, 2, 3), eta=0.3, hidden=5, iterations=1),
            order="follower_first",
            iterations=1,
            lambda_=0.1,
            sigma=0.1,
        )
