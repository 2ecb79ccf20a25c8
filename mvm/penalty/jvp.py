"""Reverse over forward: the derivative of f along df/dv by forward mode, then its gradient in u."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from mvm.penalty.form import Penalised
from mvm.penalty.replay import Replay
from mvm.sensitivity import squared_norm


def jvp(f: Callable[[], Tensor], u: Sequence[Tensor], v: Sequence[Tensor], gamma: float) -> Penalised:
    """Exact, with first-order kernels only: d/du of f + gamma <df/dv, d> at d = df/dv held fixed.

    f must also be a function of tensors, `f.at(u, v)`, as `mvm.leader_follower.Payoff` is (ValueError
    otherwise). Two evaluations, about 8 forward passes where `double` takes 6; the second one draws the
    random numbers of the first.
    """
    at = getattr(f, "at", None)
    if at is None:
        raise ValueError("penalty=jvp needs f as a function of tensors: pass a Payoff, or use penalty=double")
    with Replay() as replay:
        value = f()
        g_v = torch.autograd.grad(value, v, materialize_grads=True)
        fixed_v, d = tuple(p.detach() for p in v), tuple(g_v)

        def along(*at_u: Tensor) -> Tensor:
            replay.again()
            risk, slope, *_ = torch.func.jvp(lambda *at_v: at(at_u, at_v), fixed_v, d)
            return risk + gamma * slope

        g_u = torch.func.grad(along, argnums=tuple(range(len(u))))(*(p.detach() for p in u))
    return Penalised(value, squared_norm(g_v), g_u, g_v)
