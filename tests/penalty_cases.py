"""What the gradient of the penalty is tried on, and what it is by double backward."""

import torch
from problems import Smooth, SmoothAttacker, images

from mvm.attacks.attnet import AttNet
from mvm.classifiers.cifar10 import CIFAR10Net
from mvm.classifiers.mnist import MNISTNet
from mvm.leader_follower import Payoff
from mvm.penalty import Through
from mvm.risk import risk

SHAPES = {"mnist": (1, 28, 28), "cifar10": (3, 32, 32)}


class Case:
    """A width-scaled classifier and an AttNet with dropout, in float64, on 6 random images."""

    def __init__(self, name):
        self.g = {"mnist": MNISTNet, "cifar10": CIFAR10Net}[name](width=0.1).double()
        self.z = AttNet(SHAPES[name], eta=0.3, hidden=20).double()
        self.x = torch.rand(6, *SHAPES[name], dtype=torch.float64) * 2 - 1
        self.y = torch.arange(6)
        self.u, self.v = list(self.g.parameters()), list(self.z.parameters())

    def through(self):
        return Through(lambda: self.z(self.x, self.y), self.g, lambda logits: risk(logits, self.y))

    def payoff(self):
        return Payoff(lambda g, z: risk(g(z(self.x, self.y)), self.y), self.g, self.z)


class SmoothCase(Case):
    def __init__(self):
        self.g, self.z = Smooth(), SmoothAttacker()
        self.x, self.y = images()
        self.u, self.v = list(self.g.parameters()), list(self.z.parameters())


def reference(f, u, v, gamma):
    """Written out: d/du f, d/du ||df/dv||^2 gamma/2, df/dv."""
    torch.manual_seed(3)
    value = f()
    g_v = torch.autograd.grad(value, v, create_graph=True)
    mixed = torch.autograd.grad(gamma / 2 * sum(g.square().sum() for g in g_v), u, retain_graph=True)
    return torch.autograd.grad(value, u), mixed, g_v


def reference_with_unused(f, u, v, gamma):
    """`reference`, where the last of u is in no layer."""
    plain, mixed, g_v = reference(f, u[:-1], v, gamma)
    zero = torch.zeros_like(u[-1])
    return [*plain, zero], [*mixed, zero], g_v


def flat(tensors):
    return torch.cat([t.detach().flatten() for t in tensors])


def distance(a, b):
    return ((flat(a) - flat(b)).norm() / flat(b).norm()).item()
