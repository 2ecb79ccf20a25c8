"""Reverse over reverse through the classifier only, since v acts through the image z = z(x; v)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from mvm.penalty.double import refuse_compiled
from mvm.penalty.form import Penalised
from mvm.sensitivity import squared_norm


@dataclass
class Through:
    """f = risk(z()), with v in z only and u in risk only: the attacker's images and the risk on them."""

    z: Callable[[], Tensor]
    risk: Callable[[Tensor], Tensor]

    def __call__(self) -> Tensor:
        return self.risk(self.z())


def image(f: Callable[[], Tensor], u: Sequence[Tensor], v: Sequence[Tensor], gamma: float) -> Penalised:
    """(d2f/dudv) d = d/du <df/dz, w> with w = J_v z d, d = df/dv. Exact.

    One evaluation of z and of the risk. w is the transpose of the attacker's own backward pass, which is
    linear in what it is given: d = J^T r, so w = J d is the gradient of <J^T r, d> in r. Saves `double`'s
    second pass back through the attacker. Raises ValueError unless f is a `Through`.
    """
    if not isinstance(f, Through):
        raise ValueError("penalty=image needs a risk that v enters through z only: pass a Through(z, risk)")
    z = f.z()
    point = z.detach().requires_grad_(True)
    value = f.risk(point)
    refuse_compiled(value)
    (g_z,) = torch.autograd.grad(value, point, create_graph=True)
    r = g_z.detach().requires_grad_(True)
    g_v = torch.autograd.grad(z, v, r, create_graph=True)
    d = [g.detach() for g in g_v]
    (w,) = torch.autograd.grad(g_v, r, d)
    g_u = torch.autograd.grad([value, g_z], u, [torch.ones_like(value), gamma * w])
    return Penalised(value, squared_norm(d), g_u, d)
