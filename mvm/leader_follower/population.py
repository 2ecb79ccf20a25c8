"""K followers, of which the leader faces the worst (K-beam; Hamm and Noh, 2018)."""

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mvm.leader_follower.payoff import Parameters, Payoff, leaf, tensors
from mvm.penalty.replay import Replay


def starts(v: Parameters | Sequence[Parameters], population: int, spread: float) -> list[Parameters]:
    """K starting points: those given as a list, or v and K - 1 others.

    The others: a module drawn anew by its layers' own `reset_parameters`, but for what is frozen; tensors
    v + spread * N(0, 1).
    ValueError for a module with parameters that cannot be drawn anew, for K < 1 and for an empty list.
    """
    if population < 1:
        raise ValueError(f"population={population}: must be 1 or more")
    if isinstance(v, (list, tuple)):
        if not v:
            raise ValueError("the follower is an empty list: give one starting point or more")
        if population not in (1, len(v)):
            raise ValueError(f"population={population}, but {len(v)} starting points were given")
        return [leaf(start) for start in v]
    assert not isinstance(v, Sequence)
    return [leaf(v), *(_another(v, spread) for _ in range(population - 1))]


def _another(v: Parameters, spread: float) -> Parameters:
    if isinstance(v, nn.Module):
        return _reset(copy.deepcopy(v))
    new = leaf(v)
    with torch.no_grad():
        for t in tensors(new):
            t.add_(spread * torch.randn_like(t))
    return new


def _reset(module: nn.Module) -> nn.Module:
    frozen = [(p, p.detach().clone()) for p in module.parameters() if not p.requires_grad]
    for m in module.modules():
        reset = getattr(m, "reset_parameters", None)
        if callable(reset):
            reset()
        elif list(m.parameters(recurse=False)):
            raise ValueError(
                f"{type(m).__name__} has no reset_parameters(): give the K starts of the follower as a list"
            )
    with torch.no_grad():
        for p, was in frozen:
            p.copy_(was)
    return module


@torch.no_grad()
def worst(payoffs: Sequence[Payoff]) -> int:
    """The index of the follower with the largest f, as the players stand; 0 without asking if it is alone.

    All are asked on the same random numbers.
    """
    if len(payoffs) == 1:
        return 0
    values: list[Tensor] = []
    with Replay() as replay:
        for payoff in payoffs:
            replay.again()
            values.append(payoff())
    return int(torch.stack(values).argmax())
