"""The look-ahead along the direction of the iteration before: one evaluation of f."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from mvm.penalty.form import Penalised
from mvm.penalty.moved import moved
from mvm.sensitivity import squared_norm


class Carried(nn.Module):
    """All of f, df/du and df/dv at (u, v + gamma d), where d is the df/dv that the call before returned.

    Where d has not changed since, df/du is `lookahead`'s. df/dv, with which the follower ascends, is off by
    gamma (d2f/dv2) d. On mini-batches d belongs to another one: then df/du estimates
    df/du + gamma (d2f/dudv) E[df/dv], without the part of E||df/dv||^2 that is the mini-batches' variance.
    The first call has d = 0. One evaluation, 3 forward passes, as one plain gradient. The extrapolation from
    the past of Popov (1980) and of Gidel et al. (2019), for the follower alone and gamma long.

    A module, so that d travels in the checkpoint of the game that it is a part of. v: the tensors it will be
    called with, in their order.
    """

    def __init__(self, v: Sequence[Tensor]) -> None:
        super().__init__()
        for i, t in enumerate(v):
            self.register_buffer(str(i), torch.zeros_like(t, requires_grad=False))

    def forward(self, f: Callable[[], Tensor], u: Sequence[Tensor], v: Sequence[Tensor], gamma: float) -> Penalised:
        """The value, the squared gradient in v and both gradients, at v moved by the last gradient."""
        d = list(self.buffers())
        with moved(v, d, gamma):
            value = f()
            gradients = torch.autograd.grad(value, [*u, *v], materialize_grads=True)
        g_u, g_v = gradients[: len(u)], gradients[len(u) :]
        for old, new in zip(d, g_v, strict=True):
            old.copy_(new)
        return Penalised(value, squared_norm(g_v), g_u, g_v)
