"""Alg. 1 for any differentiable risk: a leader minimises f, a follower maximises it.

Pure torch. f is a closure that computes the risk afresh at the current parameters of both players;
`leader` and `follower` hold the tensors that f depends on. Minimax: the defender leads.
Maximin (Sec. 4.3): pass -f and let the attacker lead.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from mvm.sensitivity import sensitivity, squared_norm

ORDERS = ("simultaneous", "leader_first", "follower_first")
Risk = Callable[[], Tensor]


class Steps(Protocol):
    """What a player needs of an optimiser: torch's and Lightning's wrappers both have it."""

    def step(self) -> object: ...


@dataclass
class Player:
    """Parameters, and the optimiser that moves them."""

    parameters: Sequence[Tensor]
    optimizer: Steps

    def move(self, gradients: Iterable[Tensor], sign: int = 1) -> None:
        """One optimiser step along -sign * gradients. Leaves no `.grad` behind."""
        for p, g in zip(self.parameters, gradients, strict=True):
            p.grad = sign * g.detach()
        self.optimizer.step()
        for p in self.parameters:
            p.grad = None


def descend(f: Tensor, player: Player) -> None:
    """player <- player - lambda df/dplayer. Only this player's gradients are computed."""
    player.move(torch.autograd.grad(f, player.parameters))


def ascend(f: Risk, player: Player) -> Tensor:
    """Eqs. (9) and (14): v <- v + sigma df/dv. Returns f before the step, detached."""
    value = f()
    player.move(torch.autograd.grad(value, player.parameters), sign=-1)
    return value.detach()


def check_schedule(order: str, ascent_steps: int, gamma: float) -> None:
    """ValueError unless `iterate` knows the order and can take that many steps."""
    if order not in ORDERS:
        raise ValueError(f"order={order!r}: must be one of {', '.join(ORDERS)}")
    if ascent_steps < 1:
        raise ValueError(f"ascent_steps={ascent_steps}: must be 1 or more (Eq. (14))")
    if not gamma >= 0:
        raise ValueError(f"gamma={gamma}: the penalty's coefficient in Eq. (16) must be 0 or more")


def iterate(
    f: Risk,
    leader: Player,
    follower: Player,
    *,
    gamma: float = 0.0,
    order: str = "simultaneous",
    ascent_steps: int = 1,
) -> dict[str, Tensor]:
    """One iteration of Alg. 1; with gamma = 0 one iteration of Eq. (19), alternating descent/ascent.

    Max step: v_i = v_{i-1} + sigma df/dv
    Min step: u_i = u_{i-1} - lambda d/du [f + gamma/2 ||df/dv||^2]        (Eq. (16))

    order="simultaneous" takes both at (u_{i-1}, v_{i-1}), as printed; "leader_first" then ascends at
    the new u; "follower_first" descends at the new v, as Eq. (15)'s first term asks. With
    ascent_steps = k the other k - 1 ascents come before the leader's step.
    Returns what the leader saw, detached: `risk`, and `sensitivity`, ||df/dv||^2, where it was needed.
    """
    for _ in range(ascent_steps - (order != "follower_first")):
        ascend(f, follower)
    value = f()
    u, v = leader.parameters, follower.parameters
    if gamma > 0:
        norm, g_v = sensitivity(value, v)
        g_u = torch.autograd.grad(value + gamma / 2 * norm, u)
    elif order == "simultaneous":  # one backward pass serves both players
        gradients = torch.autograd.grad(value, [*u, *v])
        g_u, g_v = gradients[: len(u)], list(gradients[len(u) :])
        norm = squared_norm(g_v)
    else:
        g_u, norm = torch.autograd.grad(value, u), None
    leader.move(g_u)
    if order == "simultaneous":
        follower.move(g_v, sign=-1)
    elif order == "leader_first":
        ascend(f, follower)
    seen = {"risk": value, "sensitivity": norm}
    return {name: tensor.detach() for name, tensor in seen.items() if tensor is not None}
