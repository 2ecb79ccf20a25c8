"""The paper's nets and a mini-batch of 128, for the benchmarks."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from mvm.attacks.attnet import AttNet
from mvm.classifiers.cifar10 import CIFAR10Net
from mvm.classifiers.mnist import MNISTNet
from mvm.penalty import Through
from mvm.risk import risk

SHAPES = {"mnist": (1, 28, 28), "cifar10": (3, 32, 32)}
ETA = {"mnist": 0.3, "cifar10": 0.1}


@dataclass
class Nets:
    """Paper-size classifier g and AttNet a, images x (128, ...) in [-1, 1] with labels y, fixed by a seed."""

    name: str

    def __post_init__(self) -> None:
        torch.manual_seed(0)
        shape, self.eta = SHAPES[self.name], ETA[self.name]
        self.g: nn.Module = {"mnist": MNISTNet, "cifar10": CIFAR10Net}[self.name]()
        self.a: nn.Module = AttNet(shape, eta=self.eta)
        classes = torch.rand(10, *shape) * 2 - 1  # ten random images, so that there is something to learn
        self.y = torch.randint(0, 10, (128,))
        self.x = (0.6 * classes[self.y] + 0.4 * (torch.rand(128, *shape) * 2 - 1)).clamp(-1, 1)
        self.u, self.v = list(self.g.parameters()), list(self.a.parameters())

    def z(self) -> Tensor:
        return self.a(self.x, self.y)

    def loss(self, logits: Tensor) -> Tensor:
        return risk(logits, self.y)

    def f(self) -> Through:
        """The risk of the minimax game."""
        return Through(self.z, self.g, self.loss)
