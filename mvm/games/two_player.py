"""Games in which both players learn, by an iteration of `mvm.leader_follower`."""

from collections.abc import Iterator
from itertools import repeat, starmap
from typing import Any, TypedDict

import torch
from torch import Tensor, nn

from mvm.attacks.attnet import AttNetAttack
from mvm.games.game import Game, Optimizer
from mvm.games.playable import learned
from mvm.leader_follower import Player, Risk, check_schedule
from mvm.numbers import check_positive
from mvm.penalty import Form, check_penalty, twice

ASCEND_ON = ("same", "other")


class Schedule(TypedDict):
    """Keyword arguments of `mvm.leader_follower.iterate`."""

    gamma: float
    order: str
    ascent_steps: int
    penalty: str | Form


class TwoPlayer(Game):
    """A defender g(x; u) and an attack network z(x; v).

    lambda_, sigma: learning rates of u and v. gamma: the sensitivity penalty's coefficient, Eq. (16).
    order, ascent_steps: see `mvm.leader_follower.iterate`, "ascent" being the follower's step. ascend_on: whether
    the ascents before the leader's step are made on the "same" mini-batch or each on one of the "other" mini-batches
    of the block: a follower that climbs one mini-batch several times learns that mini-batch. game: see `Game`.
    """

    trained = ("defender", "attacker")
    attacker_follows = True
    warms_up = True
    penalties: tuple[str, ...] = ("double", "fd", "lookahead")  # jvp's inner tensors would end up in `seen`

    def __init__(
        self,
        defender: nn.Module,
        *,
        attack: AttNetAttack,
        lambda_: float,
        sigma: float,
        gamma: float,
        order: str,
        ascent_steps: int = 1,
        ascend_on: str = "same",
        penalty: str = "double",
        u_optimizer: Optimizer = torch.optim.Adam,
        v_optimizer: Optimizer = torch.optim.Adam,
        **game: Any,
    ) -> None:
        super().__init__(defender, **game)
        check_positive(lambda_=lambda_, sigma=sigma)
        if ascend_on not in ASCEND_ON:
            raise ValueError(f"ascend_on={ascend_on!r}: must be one of {', '.join(ASCEND_ON)}")
        check_penalty(penalty, self.penalties)
        check_schedule(order, ascent_steps, gamma, penalty)
        self.attack, self.attacker = attack, learned(attack)
        self._check_gain(order)
        before = ascent_steps - (order != "follower_first")
        if ascend_on == "other" and not before:
            raise ValueError(
                f"ascend_on=other with order={order} and ascent_steps={ascent_steps}: no ascent comes before the "
                f"leader's step; use ascent_steps=2 or more, order=follower_first, or ascend_on=same"
            )
        self.schedule: Schedule = {"gamma": gamma, "order": order, "ascent_steps": ascent_steps, "penalty": penalty}
        self.ascend_on, self.lambda_, self.sigma = ascend_on, lambda_, sigma
        self.others = before if ascend_on == "other" else 0
        self.u_optimizer, self.v_optimizer = u_optimizer, v_optimizer

    def _check_gain(self, order: str) -> None:
        """ValueError for a network that climbs a gain of its own where it has to move on f."""
        if getattr(self.attacker, "climbs_f", True):
            return
        if not self.attacker_follows:
            raise ValueError("this attack network climbs a gain of its own; one that leads moves on f: attack=attnet")
        if order != "follower_first":
            raise ValueError(
                f"order={order!r} with an attack network that climbs a gain of its own: only one that follows, by "
                f"game.order=follower_first (as in recipe=best), may; others need attack=attnet"
            )

    def players(self) -> tuple[Player, Player]:
        """The defender and the attacker."""
        return self.player(self.defender.parameters(), 0), self.player(self.attacker.parameters(), 1)

    def z(self, x: Tensor, y: Tensor) -> Tensor:
        """z(x; v), differentiable in v, as far from x as the warm-up of eta lets it go by now."""
        return self.reached(self.attacker(x, y), x)

    def risk_on(self, x: Tensor, y: Tensor) -> Risk:
        """f(u, v) of a mini-batch."""
        return lambda: self.f(self.z(x, y), y)

    def climbed_on(self, x: Tensor, y: Tensor) -> Risk:
        """What the follower climbs on a mini-batch before the leader's step."""
        return lambda: self.gain(self.attacker, x, y)

    def ascents(self, x: Tensor, y: Tensor) -> Iterator[Risk]:
        """The same on one mini-batch after another, without end."""
        return starmap(self.climbed_on, self.other_batches(x, y) if self.ascend_on == "other" else repeat((x, y)))

    def obstacle(self) -> str:
        penalised = self.schedule["gamma"] > 0
        return (twice(self.schedule["penalty"]) if penalised else "") or super().obstacle()

    def perturb(self, x: Tensor, y: Tensor) -> Tensor:
        assert self.attack is not None
        return self.attack(self.defender, x, y)

    def configure_optimizers(self) -> list[torch.optim.Optimizer]:
        u = self.u_optimizer(self.defender.parameters(), lr=self.lambda_)
        v = self.v_optimizer(self.attacker.parameters(), lr=self.sigma)
        return [u, v]
