"""Reverse over reverse through the classifier only, since v acts through the image z = z(x; v)."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from mvm.penalty.double import refuse_compiled
from mvm.penalty.form import Penalised
from mvm.penalty.through import check_through, pushed
from mvm.sensitivity import squared_norm


def image(f: Callable[[], Tensor], u: Sequence[Tensor], v: Sequence[Tensor], gamma: float) -> Penalised:
    """(d2f/dudv) d = d/du <df/dz, w> with w = J_v z d, d = df/dv. Exact.

    One evaluation of z and of the risk. Saves `double`'s second pass back through the attacker. Raises
    ValueError unless f is a `Through`, `UserError` for a risk inside torch.compile.
    """
    f = check_through(f, "image")
    z = f.z()
    point = z.detach().requires_grad_(True)
    value = f.loss(f.net(point.clone()))  # the net may work in place
    refuse_compiled(value)
    (g_z,) = torch.autograd.grad(value, point, create_graph=True)
    d, w = pushed(z, v, g_z)
    g_u = torch.autograd.grad([value, g_z], u, [torch.ones_like(value), gamma * w], materialize_grads=True)
    return Penalised(value, squared_norm(d), g_u, d)
