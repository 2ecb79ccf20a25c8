"""Alg. 1 for any differentiable risk: a leader minimises f, a follower maximises it.

f is a closure that computes the risk afresh at the current parameters of both players. Minimax: the
defender leads. Maximin (Sec. 4.3): pass -f and let the attacker lead.
"""

from collections.abc import Iterable, Sequence
from itertools import islice, repeat

import torch
from torch import Tensor

from mvm.leader_follower.player import Player, Risk, ascend
from mvm.numbers import check_whole, number
from mvm.penalty import FORMS, Form, check_penalty
from mvm.sensitivity import squared_norm

ORDERS = ("simultaneous", "leader_first", "follower_first")


def check_schedule(order: str, ascent_steps: int, gamma: float, penalty: str = "double") -> None:
    """ValueError unless `iterate` knows the order and the penalty's form and can take that many steps."""
    if order not in ORDERS:
        raise ValueError(f"order={order!r}: must be one of {', '.join(ORDERS)}")
    check_whole(ascent_steps=ascent_steps)  # Eq. (14)
    if not number(gamma) or gamma < 0:
        raise ValueError(f"gamma={gamma}: the penalty's coefficient in Eq. (16) must be a number, 0 or more")
    check_penalty(penalty)


def iterate(
    f: Risk,
    leader: Player,
    follower: Player,
    *,
    gamma: float = 0.0,
    order: str = "simultaneous",
    ascent_steps: int = 1,
    penalty: str | Form = "double",
    ascents: Iterable[Risk] | None = None,
) -> dict[str, Tensor]:
    """One iteration of Alg. 1; with gamma = 0 one iteration of Eq. (19), alternating descent/ascent.

    Max step: v_i = v_{i-1} + sigma df/dv
    Min step: u_i = u_{i-1} - lambda d/du [f + gamma/2 ||df/dv||^2]        (Eq. (16))

    order="simultaneous" takes both at (u_{i-1}, v_{i-1}), as printed; "leader_first" then ascends at
    the new u; "follower_first" descends at the new v, as Eq. (15)'s first term asks. With
    ascent_steps = k the other k - 1 ascents come before the leader's step; each climbs the next of `ascents` (f on
    other mini-batches, say), where those are given, else f. penalty: how Eq. (16) is differentiated, see
    `mvm.penalty`; a form with a memory is passed itself, and kept between iterations.
    Returns what the leader saw, detached: `risk`, and `sensitivity`, ||df/dv||^2, where it was needed. Raises
    ValueError for an order, a gamma or a number of steps that is none.
    """
    check_schedule(order, ascent_steps, gamma)
    for climbed in islice(ascents or repeat(f), ascent_steps - (order != "follower_first")):
        ascend(climbed, follower)
    both = order == "simultaneous"
    value, norm, g_u, g_v = _gradients(f, leader.parameters, follower.parameters, gamma, penalty, both=both)
    leader.move(g_u)
    if both:
        follower.move(g_v, sign=-1)
    elif order == "leader_first":
        ascend(f, follower)
    seen = {"risk": value, "sensitivity": norm}
    return {name: tensor.detach() for name, tensor in seen.items() if tensor is not None}


def _gradients(
    f: Risk, u: Sequence[Tensor], v: Sequence[Tensor], gamma: float, penalty: str | Form, *, both: bool
) -> tuple[Tensor, Tensor | None, Sequence[Tensor], Sequence[Tensor]]:
    """f, ||df/dv||^2, Eq. (16)'s gradient in u, and df/dv; with gamma = 0 the second and the last only for `both`."""
    if gamma > 0:
        if isinstance(penalty, str):
            check_penalty(penalty, tuple(FORMS))
            penalty = FORMS[penalty]
        return penalty(f, u, v, gamma)
    value = f()
    # one backward pass then serves both players
    gradients = torch.autograd.grad(value, [*u, *v] if both else u, materialize_grads=True)
    g_u, g_v = gradients[: len(u)], gradients[len(u) :]
    return value, squared_norm(g_v) if both else None, g_u, g_v
