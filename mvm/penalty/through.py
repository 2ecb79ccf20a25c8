"""The risk of a game whose attacker acts through an image."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from mvm.penalty.double import refuse_compiled


@dataclass
class Through:
    """f = loss(net(z())), with v in z only and u in net only: images z (B, ...), logits net(z), a scalar loss."""

    z: Callable[[], Tensor]
    net: Callable[[Tensor], Tensor]
    loss: Callable[[Tensor], Tensor]

    def __call__(self) -> Tensor:
        return self.loss(self.net(self.z()))


def check_through(f: object, form: str) -> Through:
    """f itself. Raises ValueError unless it is a `Through`."""
    if not isinstance(f, Through):
        raise ValueError(f"penalty={form} needs a risk that v enters through z only: pass a Through(z, net, loss)")
    return f


def pushed(z: Tensor, v: Sequence[Tensor], g_z: Tensor) -> tuple[list[Tensor], Tensor]:
    """d = J^T g_z and w = J d with J = dz/dv: the gradient df/dv, and how z moves along it.

    w is the transpose of the attacker's own backward pass, which is linear in what it is given: w = J d
    is the gradient of <J^T r, d> in r. All detached; zeros for parameters that z does not depend on. Raises
    `UserError` for an attacker inside torch.compile.
    """
    refuse_compiled(z)
    r = g_z.detach().requires_grad_(True)
    g_v = torch.autograd.grad(z, v, r, create_graph=True, materialize_grads=True)
    d = [g.detach() for g in g_v]
    moved = [k for k, g in enumerate(g_v) if g.requires_grad]
    (w,) = torch.autograd.grad([g_v[k] for k in moved], r, [d[k] for k in moved])
    return d, w
