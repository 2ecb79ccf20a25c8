"""The extragradient step (Korpelevich, 1976)."""

import torch
from torch import Tensor

from mvm.leader_follower.player import Player, Risk
from mvm.penalty.moved import moved
from mvm.penalty.replay import Replay
from mvm.sensitivity import squared_norm


def extragradient(f: Risk, leader: Player, follower: Player, *, lambda_: float, sigma: float) -> dict[str, Tensor]:
    """Both players step from (u, v) along the gradients at (u - lambda df/du, v + sigma df/dv).

    The half step is a plain gradient step whatever the players' optimisers are. Both evaluations draw the
    same random numbers. Returns `risk` and `sensitivity` at (u, v).
    """
    u, v = list(leader.parameters), list(follower.parameters)
    with Replay() as replay:
        value = f()
        gradients = torch.autograd.grad(value, [*u, *v], materialize_grads=True)
        g_u, g_v = gradients[: len(u)], gradients[len(u) :]
        replay.again()
        with moved(u, g_u, -lambda_), moved(v, g_v, sigma):
            ahead = torch.autograd.grad(f(), [*u, *v], materialize_grads=True)
    leader.move(ahead[: len(u)])
    follower.move(ahead[len(u) :], sign=-1)
    return {"risk": value.detach(), "sensitivity": squared_norm(g_v)}
