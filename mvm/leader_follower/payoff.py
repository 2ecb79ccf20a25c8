"""f together with its two players."""

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

Parameters = Tensor | Mapping[str, Tensor] | nn.Module


class Payoff(nn.Module):
    """f(u, v) for u and v tensors, dicts of tensors or modules. Called without arguments: f as they stand."""

    def __init__(self, f: Callable[[Any, Any], Tensor], u: Parameters, v: Parameters) -> None:
        super().__init__()
        self.f, self.u, self.v = f, u, v

    def forward(self, u: Any = None, v: Any = None) -> Tensor:
        value = self.f(self.u if u is None else u, self.v if v is None else v)
        if not isinstance(value, Tensor) or value.numel() != 1:
            given = f"a tensor of shape {tuple(value.shape)}" if isinstance(value, Tensor) else type(value).__name__
            raise ValueError(f"f must give one number, in a tensor, not {given}")
        return value

    def at(self, u: Sequence[Tensor], v: Sequence[Tensor]) -> Tensor:
        """f with other tensors in the players' places, leaves or not; in the order of `tensors`."""
        swapped: dict[str, Tensor] = {}
        players: list[Any] = []
        for name, player, new in (("u", self.u, u), ("v", self.v, v)):
            if isinstance(player, nn.Module):
                names = [f"{name}.{n}" for n, p in player.named_parameters() if p.requires_grad]
                swapped |= dict(zip(names, new, strict=True))
                players.append(None)
            elif isinstance(player, Mapping):
                players.append(dict(zip(player, new, strict=True)))
            else:
                players.append(new[0])
        return functional_call(self, swapped, tuple(players))


def tensors(player: Parameters) -> list[Tensor]:
    """What an optimiser moves: a module's parameters that require gradients, a dict's values, the tensor."""
    if isinstance(player, nn.Module):
        return [p for p in player.parameters() if p.requires_grad]
    return list(player.values()) if isinstance(player, Mapping) else [player]


def leaf(player: Parameters) -> Parameters:
    """A copy to be trained: the caller's own stays as it is. ValueError for what is no player."""
    if isinstance(player, nn.Module):
        return copy.deepcopy(player)
    if isinstance(player, Mapping):
        return {name: _leaf(t) for name, t in player.items()}
    return _leaf(player)


def _leaf(t: Tensor) -> Tensor:
    if not isinstance(t, Tensor):
        raise ValueError(
            f"a player is a tensor, a dict of tensors or a module (the follower, v, for maximin u, also a list of such "
            f"starts), not {type(t).__name__}"
        )
    if not torch.is_floating_point(t):
        raise ValueError(f"a player must be floating-point tensors, not {t.dtype}")
    return t.detach().clone().requires_grad_(True)
