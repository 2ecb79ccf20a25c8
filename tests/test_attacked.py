"""A classifier under attack computes the same function, and is given back as it was."""

import pytest
import torch
from problems import Net, some_images
from torch import nn

from mvm.attacks.attacked import attacked
from mvm.attacks.gradient import climb, look
from mvm.attacks.loss import margin
from mvm.attacks.pgd import PGD
from mvm.classifiers.cifar10 import CIFAR10Net
from mvm.classifiers.mnist import MNISTNet
from mvm.sensitivity import input_gradient


@pytest.mark.parametrize(
    ("conv", "thin"),
    [
        (nn.Conv2d(1, 4, 5, padding=2), True),
        (nn.Conv2d(1, 3, (2, 5), padding=(1, 0), bias=False), True),
        (nn.Conv2d(3, 4, 3), True),
        (nn.Conv2d(2, 4, (1, 2), padding=(0, 1)), True),
        (nn.Conv2d(1, 3, 3, padding=3), False),
        (nn.Conv2d(1, 3, (3, 5), stride=(2, 3), padding=(1, 0)), False),
        (nn.Conv2d(1, 3, 3, dilation=2), False),
        (nn.Conv2d(5, 3, 3), False),
        (nn.Conv2d(1, 3, 3, padding=1, padding_mode="reflect"), False),
        (nn.Conv2d(1, 3, 3, padding="same"), False),
        (nn.Conv2d(4, 4, 3, groups=4), False),
    ],
    ids=["grey", "oblong", "colour", "two", "wide", "strides", "dilation", "five", "reflect", "same", "groups"],
)
def test_gradients_are_the_convolutions(conv, thin):
    conv.double()
    x = torch.randn(3, conv.in_channels, 9, 11, dtype=torch.float64, requires_grad=True)

    def gradient():
        y = conv(x)
        return y, *torch.autograd.grad((y.sin() * torch.arange(y.numel()).view_as(y).cos()).sum(), x)

    plain = gradient()
    with attacked(conv):
        torch.testing.assert_close(gradient(), plain, atol=1e-12, rtol=1e-12)
        assert ("forward" in vars(conv)) == thin


@pytest.mark.parametrize(("net", "shape"), [(MNISTNet(width=0.2), (1, 28, 28)), (CIFAR10Net(width=0.1), (3, 32, 32))])
def test_the_papers_nets_answer_the_same(net, shape):
    net.double()
    x, y = torch.rand(6, *shape, dtype=torch.float64) * 2 - 1, torch.arange(6)
    plain = input_gradient(net, x, y)
    with attacked(net):
        assert net[3].weight.is_contiguous(memory_format=torch.channels_last)
        torch.testing.assert_close(input_gradient(net, x, y), plain, atol=1e-13, rtol=1e-10)
        layers = list(net)
        pool = max(i for i, layer in enumerate(layers) if isinstance(layer, nn.MaxPool2d))
        h = nn.Sequential(*layers[:pool])(x).detach().requires_grad_(True)
        nn.Sequential(*layers[pool:])(h).sum().backward()
        assert h.grad.is_contiguous(memory_format=torch.channels_last)
    assert not any(m._forward_hooks for m in net.modules())


def test_everything_is_put_back_even_after_an_error():
    net = Net()
    net.net[0].weight.requires_grad_(False)
    net.net[1].eval()
    state = [(p, p.data_ptr(), p.stride(), p.requires_grad) for p in net.parameters()]
    modes = [m.training for m in net.modules()]
    with pytest.raises(KeyError), attacked(net), attacked(net):
        assert not net.training and not any(p.requires_grad for p in net.parameters())
        raise KeyError
    assert [(p, p.data_ptr(), p.stride(), p.requires_grad) for p in net.parameters()] == state
    assert [m.training for m in net.modules()] == modes and not any("forward" in vars(m) for m in net.modules())


def test_a_graph_made_before_an_attack_is_differentiated_after_it():
    """Games hold the risk's graph while they attack."""
    net, (x, y) = Net().eval(), some_images()
    parameters = list(net.parameters())
    expected = torch.autograd.grad(net(x).square().sum(), parameters)
    f = net(x).square().sum()
    PGD(eta=0.1, steps=2)(net, x, y)
    assert all(torch.equal(a, b) for a, b in zip(torch.autograd.grad(f, parameters), expected, strict=True))


def test_a_look_is_a_climb_without_the_gradient():
    net, (x, y) = Net().eval(), some_images()
    seen, at = look(net, x, y, margin), climb(net, x, y, margin)
    assert torch.equal(seen.loss, at.loss) and torch.equal(seen.wrong, at.wrong) and at.gradient.shape == x.shape


class LeNet(nn.Module):
    """As a user may write it: maps are viewed as rows, which channels-last ones refuse."""

    def __init__(self, pool: nn.Module) -> None:
        super().__init__()
        self.conv, self.pool, self.out = nn.Conv2d(1, 4, 5, padding=2), pool, nn.Linear(4 * 14 * 14, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = self.pool(self.conv(x))
        h = h[0] if isinstance(h, tuple) else h
        return self.out(h.relu().view(len(x), -1))


@pytest.mark.parametrize("pool", [nn.MaxPool2d(2), nn.MaxPool2d(2, return_indices=True)], ids=["plain", "indices"])
def test_any_torch_classifier_can_be_attacked(pool):
    net, (x, y) = LeNet(pool), some_images()
    plain = input_gradient(net, x, y)[1]
    with attacked(net):
        torch.testing.assert_close(input_gradient(net, x, y)[1], plain)
    assert PGD(eta=0.1, steps=2)(net, x, y).shape == x.shape
