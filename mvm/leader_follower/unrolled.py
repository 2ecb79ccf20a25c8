"""The unrolled step (Metz et al., 2016): the leader differentiates through the follower's k ascents."""

from collections.abc import Sequence

import torch
from torch import Tensor

from mvm.leader_follower.payoff import Payoff
from mvm.leader_follower.player import Player
from mvm.penalty.replay import Replay
from mvm.sensitivity import squared_norm


def unrolled(f: Payoff, leader: Player, follower: Player, *, sigma: float, k: int) -> dict[str, Tensor]:
    """u descends on f(u, v_k(u)) with v_{j+1} = v_j + sigma df/dv(u, v_j); v takes the first of these steps.

    The unrolled ascents are plain gradient steps whatever the follower's optimiser is. For k = 1 this is
    Alg. 1 at gamma = 2 sigma to first order in sigma, not gamma = sigma: f's first argument moves too.
    All evaluations draw the same random numbers. Returns `risk` and `sensitivity` at (u, v).
    """
    u: Sequence[Tensor] = leader.parameters
    v_j: list[Tensor] = list(follower.parameters)
    with Replay() as replay:
        value = first = None
        for _ in range(k):
            replay.again()
            f_j = f.at(u, v_j)
            g_j = torch.autograd.grad(f_j, v_j, create_graph=True, materialize_grads=True)
            if value is None:
                value, first = f_j.detach(), [g.detach() for g in g_j]
            v_j = [v + sigma * g for v, g in zip(v_j, g_j, strict=True)]
        replay.again()
        g_u = torch.autograd.grad(f.at(u, v_j), u, materialize_grads=True)
    assert value is not None and first is not None  # k >= 1
    leader.move(g_u)
    follower.move(first, sign=-1)
    return {"risk": value, "sensitivity": squared_norm(first)}
