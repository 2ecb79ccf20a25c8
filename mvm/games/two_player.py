"""Games in which both players learn, by an iteration of `mvm.leader_follower`."""

from typing import TypedDict

import torch
from torch import Tensor, nn

from mvm.attacks.attnet import AttNetAttack
from mvm.games.game import Game, Optimizer, check_rates
from mvm.leader_follower import Player, check_schedule
from mvm.penalty import Form, check_penalty


class Schedule(TypedDict):
    """Keyword arguments of `mvm.leader_follower.iterate`."""

    gamma: float
    order: str
    ascent_steps: int
    penalty: str | Form


class TwoPlayer(Game):
    """A defender g(x; u) and an attack network z(x; v).

    lambda_, sigma: learning rates of u and v. gamma: the sensitivity penalty's coefficient, Eq. (16).
    order, ascent_steps: see `mvm.leader_follower.iterate`, "ascent" being the follower's step.
    """

    trained = ("defender", "attacker")
    penalties: tuple[str, ...] = ("double", "fd", "lookahead")  # jvp's inner tensors would end up in `seen`

    def __init__(
        self,
        defender: nn.Module,
        *,
        attack: AttNetAttack,
        iterations: int,
        lambda_: float,
        sigma: float,
        gamma: float,
        order: str,
        ascent_steps: int = 1,
        penalty: str = "double",
        u_optimizer: Optimizer = torch.optim.Adam,
        v_optimizer: Optimizer = torch.optim.Adam,
        seed: int = 0,
    ) -> None:
        super().__init__(defender, iterations=iterations, seed=seed)
        check_rates(lambda_=lambda_, sigma=sigma)
        check_schedule(order, ascent_steps, gamma, penalty)
        check_penalty(penalty, self.penalties)
        self.attack, self.attacker = attack, attack.net
        self.schedule: Schedule = {"gamma": gamma, "order": order, "ascent_steps": ascent_steps, "penalty": penalty}
        self.lambda_, self.sigma = lambda_, sigma
        self.u_optimizer, self.v_optimizer = u_optimizer, v_optimizer

    def players(self) -> tuple[Player, Player]:
        """The defender and the attacker."""
        return self.player(self.defender.parameters(), 0), self.player(self.attacker.parameters(), 1)

    def perturb(self, x: Tensor, y: Tensor) -> Tensor:
        assert self.attack is not None
        return self.attack(self.defender, x, y)

    def configure_optimizers(self) -> list[torch.optim.Optimizer]:
        u = self.u_optimizer(self.defender.parameters(), lr=self.lambda_)
        v = self.v_optimizer(self.attacker.parameters(), lr=self.sigma)
        return [u, v]
