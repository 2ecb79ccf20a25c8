"""A whole game: min_u max_v f(u, v), or max_v min_u f(u, v), for any differentiable f."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Tensor

from mvm.errors import UserError
from mvm.leader_follower.alg1 import iterate
from mvm.leader_follower.extragradient import extragradient
from mvm.leader_follower.payoff import Parameters, Payoff, leaf, tensors
from mvm.leader_follower.player import Player, ascend
from mvm.leader_follower.population import starts, worst
from mvm.leader_follower.settings import Optimizer, Settings
from mvm.leader_follower.unrolled import unrolled
from mvm.penalty import Form, form


@dataclass
class Solution:
    """The players at the end, of the kinds that were given, and what each iteration saw before its step.

    risk: f, (T,). sensitivity: ||df/dv||^2, (T,), for maximin ||df/du||^2, since u follows there; nan for
    alt with one player after the other, which never takes that gradient at the point where it takes f, and for minimax
    with them so where gamma is 0.
    followers: all K of a population; v (u for maximin) is the one against which f is worst at the end.
    """

    u: Any
    v: Any
    risk: Tensor
    sensitivity: Tensor
    followers: list[Any]


def solve(
    f: Callable[[Any, Any], Tensor],
    u: Parameters | Sequence[Parameters],
    v: Parameters | Sequence[Parameters],
    method: str = "minimax",
    **settings: Any,
) -> Solution:
    """Play a game from (u, v), which stay as they are. docs/solvers.md says which method to choose.

    f(u, v) -> scalar Tensor. u, v: tensors, dicts of tensors, or modules; f is called with the same kinds.
    The follower (v; u for maximin) may be a list of starting points: a population. settings: the fields of
    `mvm.leader_follower.Settings`. Raises TypeError for a setting that is none, ValueError for one
    that makes no sense, `UserError` naming the iteration at which f, its gradient or a player stops being finite.
    """
    known = [field.name for field in fields(Settings)]
    if unknown := settings.keys() - set(known):
        raise TypeError(f"solve has no setting {', '.join(sorted(unknown))}; it has {', '.join(known)}")
    how = Settings(method=method, **settings)
    if method == "maximin":
        s = _play(lambda a, b: -f(b, a), v, u, how.switched())
        return Solution(u=s.v, v=s.u, risk=-s.risk, sensitivity=s.sensitivity, followers=s.followers)
    return _play(f, u, v, how)


def _play(f: Callable[[Any, Any], Tensor], u: Any, v: Any, how: Settings) -> Solution:
    """`solve` with the leader u and the follower v."""
    u = leaf(u)
    payoffs = [Payoff(f, u, start) for start in starts(v, how.population, how.spread)]
    leader = _player(u, how.u_optimizer, how.at("lambda_", 1))
    followers = [_player(payoff.v, how.v_optimizer, how.at("sigma", 1)) for payoff in payoffs]
    forms = [form(how.form, follower.parameters) for follower in followers]
    risks, norms = [], []
    for i in range(1, how.iterations + 1):
        chosen = worst(payoffs)
        seen = _step(payoffs, leader, followers, chosen, forms[chosen], how, i)
        if how.project:
            with torch.no_grad():
                for payoff in payoffs:
                    how.project(u, payoff.v)
        risks.append(seen["risk"])
        norms.append(seen.get("sensitivity", torch.full_like(seen["risk"], math.nan)))
        _check_finite(seen, [leader, *followers], i, how.iterations)
        if how.callback and how.callback(i, float(risks[-1]), float(norms[-1])):
            break
    return Solution(u, payoffs[worst(payoffs)].v, torch.stack(risks), torch.stack(norms), [p.v for p in payoffs])


def _step(
    payoffs: list[Payoff],
    leader: Player,
    followers: list[Player],
    chosen: int,
    penalty: Form,
    how: Settings,
    i: int,
) -> dict[str, Tensor]:
    """Iteration i: the followers that were not chosen ascend, then the method's own step."""
    lambda_, sigma, gamma = (how.at(name, i) for name in ("lambda_", "sigma", "gamma"))
    for player, rate in ((leader, lambda_), *((follower, sigma) for follower in followers)):
        for group in player.optimizer.param_groups:  # type: ignore[attr-defined]
            group["lr"] = rate
    for k, (payoff, follower) in enumerate(zip(payoffs, followers, strict=True)):
        for _ in range(how.ascent_steps if k != chosen else 0):
            ascend(payoff, follower)
    f, follower, order = payoffs[chosen], followers[chosen], how.steps_order
    if how.method in ("minimax", "lookahead"):
        steps = how.ascent_steps
        return iterate(f, leader, follower, gamma=gamma, order=order, ascent_steps=steps, penalty=penalty)
    if how.method in ("alt", "gda"):
        order = order if how.method == "alt" else "simultaneous"
        return iterate(f, leader, follower, order=order, ascent_steps=how.ascent_steps)
    for _ in range(how.ascent_steps - 1):
        ascend(f, follower)
    if how.method == "extragradient":
        return extragradient(f, leader, follower, lambda_=lambda_, sigma=sigma)
    return unrolled(f, leader, follower, sigma=sigma, k=how.unroll)


def _player(player: Parameters, optimizer: Optimizer, rate: float) -> Player:
    return Player(tensors(player), optimizer(tensors(player), lr=rate))


def _check_finite(seen: dict[str, Tensor], players: list[Player], i: int, of: int) -> None:
    values = [*seen.values(), *(p.detach().sum() for player in players for p in player.parameters)]
    if not all(bool(value.isfinite()) for value in values):
        raise UserError(
            f"f is {seen['risk'].item()} at iteration {i} of {of}, and something there is not finite any more; "
            "try smaller learning rates (lambda_, sigma), a smaller gamma, or keep the players bounded (project)"
        )
