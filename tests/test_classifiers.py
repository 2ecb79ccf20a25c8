import pytest
import torch
from torch import nn

from mvm.classifiers.cifar10 import CIFAR10Net
from mvm.classifiers.mnist import MNISTNet


@pytest.mark.parametrize(
    ("net", "shape", "parameters"),
    [
        (MNISTNet(), (1, 28, 28), 3_274_634),
        (MNISTNet(hidden=512), (1, 28, 28), 1_663_370),
        (CIFAR10Net(), (3, 32, 32), 1_756_426),
    ],
)
def test_has_the_tutorials_size(net, shape, parameters):
    assert sum(p.numel() for p in net.parameters()) == parameters
    assert net(torch.zeros(2, *shape)).shape == (2, 10)


def test_width_scales_the_hidden_layers():
    widths = [m.out_channels for m in MNISTNet(width=0.25) if isinstance(m, nn.Conv2d)]
    assert widths == [8, 16]
    assert [m.out_features for m in CIFAR10Net(width=0.5) if isinstance(m, nn.Linear)] == [192, 96, 10]
    with pytest.raises(ValueError, match="width=0"):
        MNISTNet(width=0)


def test_pooling_pads_right_and_bottom_only():
    """TensorFlow's SAME for 3x3 stride 2 on an even side: the last window sees one column of padding."""
    pool = next(m for m in CIFAR10Net() if isinstance(m, nn.MaxPool2d))
    x = torch.arange(16.0).view(1, 1, 4, 4)
    assert pool(x).flatten().tolist() == [10.0, 11.0, 14.0, 15.0]


@pytest.mark.parametrize(("net", "shape"), [(MNISTNet(width=0.1), (1, 28, 28)), (CIFAR10Net(width=0.1), (3, 32, 32))])
def test_pooling_before_the_relu_is_the_same_function_with_the_same_gradients(net, shape):
    """The paper's order is ReLU, then pooling."""
    layers = list(net)
    for i in [i for i, layer in enumerate(net) if isinstance(layer, nn.MaxPool2d)]:
        layers[i : i + 2] = layers[i + 1], layers[i]
        assert isinstance(layers[i], nn.ReLU)
    x = torch.randn(4, *shape)
    out = [(f(x), torch.autograd.grad(f(x).square().sum(), net.parameters())) for f in (net, nn.Sequential(*layers))]
    for a, b in zip([out[0][0], *out[0][1]], [out[1][0], *out[1][1]], strict=True):
        assert torch.equal(a, b)
