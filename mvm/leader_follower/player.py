"""A player: tensors that f depends on, and what moves them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

Risk = Callable[[], Tensor]  # f, computed afresh at the current parameters of both players


class Steps(Protocol):
    """What a player needs of an optimiser: torch's and Lightning's wrappers both have it."""

    @property
    def param_groups(self) -> list[dict[str, Any]]: ...

    def step(self) -> object: ...


@dataclass
class Player:
    """Parameters, and the optimiser that moves them."""

    parameters: Sequence[Tensor]
    optimizer: Steps

    def move(self, gradients: Iterable[Tensor], sign: int = 1) -> None:
        """One optimiser step along -sign * gradients, which stay as they are. Leaves no `.grad` behind.

        Each gradient is laid out in memory as its parameter: torch's fused Adam on the CPU pairs their
        elements in the order of memory, and autograd's second derivative of a convolution is transposed.
        """
        self._step(torch.mul(g.detach(), sign, out=torch.empty_like(p)) for p, g in self._pairs(gradients))

    def follow(self, gradients: Sequence[Tensor]) -> None:
        """`move` along gradients that nobody else needs: those laid out as their parameters are not copied."""
        shared = len({g.data_ptr() for g in gradients}) < len(gradients)  # by parameters that f has only as a sum
        if shared or any(g.stride() != p.stride() for p, g in self._pairs(gradients)):
            self.move(gradients)
        else:
            self._step(g.detach() for g in gradients)

    def _pairs(self, gradients: Iterable[Tensor]) -> Iterator[tuple[Tensor, Tensor]]:
        return zip(self.parameters, gradients, strict=True)

    def _step(self, gradients: Iterable[Tensor]) -> None:
        for p, g in self._pairs(gradients):
            p.grad = g
        self.optimizer.step()
        for p in self.parameters:
            p.grad = None


def descend(f: Tensor, player: Player) -> None:
    """player <- player - lambda df/dplayer. Only this player's gradients are computed."""
    player.follow(torch.autograd.grad(f, player.parameters, materialize_grads=True))


def ascend(f: Risk, player: Player) -> Tensor:
    """Eqs. (9) and (14): v <- v + sigma df/dv. Returns f before the step, detached."""
    value = f()
    player.move(torch.autograd.grad(value, player.parameters, materialize_grads=True), sign=-1)
    return value.detach()
