"""The mixed second derivative by a one-sided finite difference in v."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from mvm.errors import UserError
from mvm.penalty.form import Penalised
from mvm.penalty.moved import moved
from mvm.penalty.replay import Replay
from mvm.sensitivity import squared_norm
from mvm.tf32 import tf32

RADIUS = {torch.float32: 1e-2, torch.float64: 1e-6}  # how far v moves, as an l_2 norm


def fd(
    f: Callable[[], Tensor],
    u: Sequence[Tensor],
    v: Sequence[Tensor],
    gamma: float,
    radius: float | None = None,
) -> Penalised:
    """df/du + gamma (df/du(u, v + h d) - df/du(u, v)) / h with d = df/dv and h = radius / ||d||.

    For smooth f: the error is linear in `radius`. Not for nets with ReLU or max-pooling in float32: each
    kink that the step crosses changes df/du by a jump, which is then divided by h (docs/solvers.md).
    Two evaluations on the same random numbers, without TF32. Raises `UserError` where f is not computed in float32
    or float64 throughout: bfloat16's rounding, divided by h, would be all that is left.
    """
    refuse_coarse(v)
    with tf32(False), Replay() as replay:
        value = f()
        gradients = torch.autograd.grad(value, [*u, *v], materialize_grads=True)
        g_u, g_v = gradients[: len(u)], gradients[len(u) :]
        norm = squared_norm(g_v)
        h = (radius or RADIUS[v[0].dtype]) / norm.sqrt().clamp_min(torch.finfo(norm.dtype).tiny)
        replay.again()
        with moved(v, g_v, h):
            ahead = torch.autograd.grad(f(), u, materialize_grads=True)
    return Penalised(value, norm, [g + gamma / h * (a - g) for g, a in zip(g_u, ahead, strict=True)], g_v)


def refuse_coarse(v: Sequence[Tensor]) -> None:
    """Raise `UserError` unless differences of f's gradients mean something."""
    on = v[0].device.type
    if v[0].dtype not in RADIUS or torch.is_autocast_enabled(on):
        raise UserError(
            f"penalty=fd needs float32 or float64 throughout, without autocast (here {v[0].dtype} on {on}); "
            "use penalty=double"
        )
