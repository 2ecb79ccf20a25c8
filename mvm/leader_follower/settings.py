"""How a game is solved: everything about `solve` but the game."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch

from mvm.leader_follower.alg1 import check_schedule
from mvm.numbers import check_whole, number
from mvm.penalty import THROUGH

ONE_ORDER = ("gda", "extragradient", "unrolled")
METHODS = ("minimax", "maximin", "alt", "gda", "extragradient", "lookahead", "unrolled")

Schedule = float | Callable[[int], float]  # a number, or a function of the iteration 1, 2, ...
Optimizer = Callable[..., torch.optim.Optimizer]  # (parameters, lr=) -> optimiser
Callback = Callable[[int, float, float], object]
Project = Callable[[Any, Any], object]


@dataclass(frozen=True)
class Settings:
    """ValueError unless a game can be solved so. gamma, penalty and unroll do not count for methods that have none of
    them, so that one set of settings serves to compare methods.
    """

    method: str = "minimax"
    iterations: int = 1000
    lambda_: Schedule = 0.1  # learning rate of u
    sigma: Schedule = 0.1  # learning rate of v, and of the ascents that `unrolled` differentiates
    gamma: Schedule = 1.0  # of minimax and maximin: the penalty's coefficient; of lookahead: the step ahead
    order: str | None = None  # see `iterate`; None: simultaneous, for alt leader_first as Eq. (19) prints
    ascent_steps: int = 1  # of the follower, for each step of the leader
    penalty: str = "double"  # of minimax and maximin: how Eq. (16) is differentiated, see `mvm.penalty`
    unroll: int = 5  # of `unrolled`: its k
    population: int = 1  # K followers, of which the leader faces the worst
    spread: float = 1.0  # standard deviation of the other K - 1 followers' starts around v
    u_optimizer: Optimizer = torch.optim.SGD
    v_optimizer: Optimizer = torch.optim.SGD
    project: Project | None = None  # project(u, v) after each step (with each follower), to change them in place; where
    # extragradient, lookahead and unrolled look ahead f is asked for beyond it
    callback: Callback | None = None  # callback(i, risk, sensitivity) after each iteration; true ends the game

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise ValueError(f"method={self.method!r}: must be one of {', '.join(METHODS)}")
        if self.order and self.method in ONE_ORDER:
            raise ValueError(f"order={self.order!r}: method={self.method} has an order of its own; leave it out")
        if self.penalty in THROUGH:
            raise ValueError(
                f"penalty={self.penalty} is for the Lightning games; solve knows nothing of images: use double"
            )
        if not number(self.spread) or self.spread < 0:
            raise ValueError(f"spread={self.spread}: must be a number, 0 or more")
        check_whole(iterations=self.iterations, unroll=self.unroll, population=self.population)
        check_schedule(self.steps_order, self.ascent_steps, 0.0, self.penalty)

    @property
    def form(self) -> str:
        """The name of the penalty's form; the method look-ahead is one."""
        return "lookahead" if self.method == "lookahead" else self.penalty

    @property
    def steps_order(self) -> str:
        return self.order or ("leader_first" if self.method == "alt" else "simultaneous")

    def at(self, name: str, i: int) -> float:
        """The value of lambda_, sigma or gamma at iteration i; ValueError unless finite and not negative."""
        schedule = getattr(self, name)
        value = float(schedule(i) if callable(schedule) else schedule)
        if not 0 <= value < math.inf:
            raise ValueError(f"{name}={value} at iteration {i}: must be a finite number, 0 or more")
        return value

    def switched(self) -> "Settings":
        """For the same game with u and v switched and the sign of f flipped (Sec. 4.3)."""
        project, callback = self.project, self.callback
        return replace(
            self,
            method="minimax",
            lambda_=self.sigma,
            sigma=self.lambda_,
            u_optimizer=self.v_optimizer,
            v_optimizer=self.u_optimizer,
            project=project and (lambda u, v: project(v, u)),
            callback=callback and (lambda i, risk, norm: callback(i, -risk, norm)),
        )
