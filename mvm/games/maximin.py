"""The maximin attack (Sec. 4.3): Alg. 1 with the players switched and the sign of f flipped."""

from typing import Any

from torch import Tensor

from mvm.games.two_player import TwoPlayer
from mvm.leader_follower import Risk, iterate
from mvm.risk import risk


class Maximin(TwoPlayer):
    """max_v min_u f(u, v), Eq. (17), as min_v max_u -f(u, v).

    The attacker leads: the penalty is gamma/2 ||df/du||^2, and `ascent_steps` are the defender's.
    penalty: double, which is exact, lookahead or fd; see `mvm.penalty`.
    """

    attacker_follows = False
    alike = True

    def __init__(
        self, *args: Any, gamma: float = 1.0, order: str = "simultaneous", penalty: str = "double", **kwargs: Any
    ) -> None:
        super().__init__(*args, gamma=gamma, order=order, penalty=penalty, **kwargs)

    def iterate(self, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        u, v = self.players()
        seen = iterate(self.risk_on(x, y), leader=v, follower=u, ascents=self.ascents(x, y), **self.schedule)
        return seen | {"risk": -seen["risk"]}

    def risk_on(self, x: Tensor, y: Tensor) -> Risk:
        """-f(u, v): what v, the leader, descends on."""
        return lambda: -self.f(self.z(x, y), y)

    def climbed_on(self, x: Tensor, y: Tensor) -> Risk:
        """The same, for u's ascents before v's step: not recorded."""
        return lambda: -risk(self.defender(self.z(x, y)), y)
