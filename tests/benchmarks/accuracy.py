"""How right each form of the penalty's gradient is in float32: python -m tests.benchmarks.accuracy.

Against double backward in float64 of the same batch, the same weights and the same dropout masks, after 20
steps of Alt. Prints cosine and relative error of the whole gradient of Eq. (16) and of its mixed term.
"""

import copy

import torch
from torch import nn

from mvm.leader_follower import iterate
from mvm.penalty import FORMS, form
from tests.benchmarks.nets import Nets
from tests.benchmarks.steps import player


class SharedMasks(nn.Module):
    """Dropout with one mask for the life of the object, the same in float32 and float64."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p, self.mask = p, torch.empty(0)

    def forward(self, h: torch.Tensor) -> torch.Tensor:
        if self.mask.shape != h.shape:
            self.mask = (torch.rand(h.shape) > self.p).to(torch.float64) / (1 - self.p)
        return h * self.mask.to(h.dtype)


def compare(nets: Nets, gamma: float = 1.0) -> None:
    f = nets.f()
    u, v = player(nets.u, 1e-4), player(nets.v, 1e-3)
    for _ in range(20):
        iterate(f, u, v)
    layers = nets.a.h
    for i, layer in enumerate(layers):
        if isinstance(layer, nn.Dropout):
            layers[i] = SharedMasks(layer.p)
    f()
    exact = copy.deepcopy(nets)
    exact.g.double(), exact.a.double()
    exact.u, exact.v, exact.x = list(exact.g.parameters()), list(exact.a.parameters()), exact.x.double()
    f64 = exact.f()
    whole = flat(FORMS["double"](f64, exact.u, exact.v, gamma).g_u)
    mixed = whole - flat(torch.autograd.grad(f64(), exact.u))
    plain = flat(torch.autograd.grad(f(), nets.u))
    print(f"{nets.name}: gradient of f {plain.norm():.3g}, mixed term {mixed.norm():.3g}")
    for name in ("double", "image", "linear", "part", "lookahead", "carried", "fd"):
        made = form(name, nets.v)
        for _ in range(1 + (name == "carried")):  # its first call has no direction yet
            ours = flat(made(f, nets.u, nets.v, gamma).g_u)
        print(f"  {name:10s} whole {report(ours, whole)}   mixed term {report(ours - plain, mixed)}", flush=True)


def flat(tensors: list[torch.Tensor]) -> torch.Tensor:
    return torch.cat([t.detach().double().flatten() for t in tensors])


def report(a: torch.Tensor, b: torch.Tensor) -> str:
    cosine = torch.nn.functional.cosine_similarity(a, b, dim=0)
    return f"cosine {cosine:.6f} error {(a - b).norm() / b.norm():.1e}"


if __name__ == "__main__":
    torch.set_num_threads(2)
    for name in ("mnist", "cifar10"):
        compare(Nets(name))
