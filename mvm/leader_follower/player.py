"""A player: tensors that f depends on, and what moves them."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

Risk = Callable[[], Tensor]  # f, computed afresh at the current parameters of both players


class Steps(Protocol):
    """What a player needs of an optimiser: torch's and Lightning's wrappers both have it."""

    def step(self) -> object: ...


@dataclass
class Player:
    """Parameters, and the optimiser that moves them."""

    parameters: Sequence[Tensor]
    optimizer: Steps

    def move(self, gradients: Iterable[Tensor], sign: int = 1) -> None:
        """One optimiser step along -sign * gradients. Leaves no `.grad` behind.

        Each gradient is laid out in memory as its parameter: torch's fused Adam on the CPU pairs their
        elements in the order of memory, and autograd's second derivative of a convolution is transposed.
        """
        for p, g in zip(self.parameters, gradients, strict=True):
            p.grad = torch.mul(g.detach(), sign, out=torch.empty_like(p))
        self.optimizer.step()
        for p in self.parameters:
            p.grad = None


def descend(f: Tensor, player: Player) -> None:
    """player <- player - lambda df/dplayer. Only this player's gradients are computed."""
    player.move(torch.autograd.grad(f, player.parameters, materialize_grads=True))


def ascend(f: Risk, player: Player) -> Tensor:
    """Eqs. (9) and (14): v <- v + sigma df/dv. Returns f before the step, detached."""
    value = f()
    player.move(torch.autograd.grad(value, player.parameters, materialize_grads=True), sign=-1)
    return value.detach()
