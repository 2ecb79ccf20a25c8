"""Ten easy classes of 8 x 8 images, a small net, and its cells."""

from types import SimpleNamespace

import torch
from torch import nn

from mvm.audit.score import score
from mvm.data.images import Split

ETA = 0.3


def blobs(n=300, seed=0):
    """Ten classes of 8 x 8 images: each a fixed pattern of +-0.5, with noise on it."""
    pattern = torch.randn(10, 1, 8, 8, generator=torch.Generator().manual_seed(7)).sign() * 0.5
    generator = torch.Generator().manual_seed(seed)
    y = torch.randint(0, 10, (n,), generator=generator)
    return (pattern[y] + 0.15 * torch.randn(n, 1, 8, 8, generator=generator)).clamp(-1, 1), y


class Net(nn.Sequential):
    def __init__(self, p=0.0):
        super().__init__(nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Dropout(p), nn.Linear(64, 10))


def trained():
    """A net trained on clean images only."""
    torch.manual_seed(0)
    net = Net()
    adam = torch.optim.Adam(net.parameters(), 1e-2)
    for i in range(40):
        x, y = blobs(128, seed=200 + i)
        adam.zero_grad()
        nn.functional.cross_entropy(net(x), y).backward()
        adam.step()
    return net.eval()


def data_of(x, y):
    test = Split(x, y, torch.full((len(x),), 0.5))
    return SimpleNamespace(test=test)


def cells_of(net, **attacks):
    x, y = blobs()
    quiet = lambda *a: None  # noqa: E731
    return {
        name: {"attack": name, "settings": {}, **score(net, attack, data_of(x, y), quiet)}
        for name, attack in attacks.items()
    }
