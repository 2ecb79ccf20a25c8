"""The attack network with the ball and the box in its output map, and a toll."""

import pytest
import torch
from problems import Linear, images, some_images

from mvm.attacks.attnet import AttNet
from mvm.attacks.attnet_folded import AttNetFolded, AttNetFoldedAttack
from mvm.threat import check_feasible, middle


@pytest.mark.parametrize("box", [False, True])
def test_it_is_feasible_and_reaches_the_border_of_ball_and_box(box):
    torch.manual_seed(0)
    net, (x, y) = AttNetFolded((1, 28, 28), eta=0.3, box=box), some_images(8)
    mid, _ = middle(x, 0.3, box=box)
    assert (net(x, y) - mid).abs().max() < 0.01  # the small start: at the middle
    with torch.no_grad():
        net.h[-1].bias.fill_(20.0)
    z = net(x, y)
    check_feasible(z, x, 0.3, box=box, name="folded")
    torch.testing.assert_close(z, (x + 0.3).clamp(max=1) if box else x + 0.3)


def test_unboxed_it_is_the_papers_network():
    torch.manual_seed(0)
    literal, folded = AttNet((1, 28, 28), eta=0.3, dropout=0.0), AttNetFolded((1, 28, 28), eta=0.3)
    folded.load_state_dict(literal.state_dict())
    x, y = some_images(4)
    torch.testing.assert_close(folded(x, y), literal(x, y))
    torch.testing.assert_close(folded.paid, 0.03 * literal.p(x, y).square().mean())
    assert literal.paid == 0.0


def test_the_toll_keeps_tanh_out_of_saturation():
    """On a linear classifier risk alone drives every p without end; with the toll p stays where tanh has a slope."""
    torch.manual_seed(0)
    g, (x, y) = Linear().float(), images(256)
    x, reached = x.float(), {}
    for toll in (0.0, 0.03):
        attack = AttNetFoldedAttack(
            x.shape[1:], eta=0.3, hidden=30, iterations=400, batch_size=64, sigma=1e-2, dropout=0.0, toll=toll
        )
        attack.fit(g, x, y)
        reached[toll] = attack.net.p(x, y).abs().mean().item()
    assert reached[0.0] > 4 > 2 > reached[0.03] > 0.1


def test_a_negative_toll_is_refused():
    with pytest.raises(ValueError, match="toll=-1"):
        AttNetFolded((1, 28, 28), eta=0.3, toll=-1)
