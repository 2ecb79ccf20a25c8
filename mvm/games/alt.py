"""Alternating descent/ascent, Eq. (19): the reference that Minimax is compared with."""

from typing import Any

from torch import Tensor

from mvm.games.two_player import TwoPlayer
from mvm.leader_follower import iterate


class Alt(TwoPlayer):
    """u <- u - lambda df/du, then v <- v + sigma df/dv at the new u.

    order="leader_first" is the order in which Eq. (19) prints the two; "simultaneous" takes both
    gradients at the old point and is a third cheaper.
    """

    alike = True

    def __init__(self, *args: Any, order: str = "leader_first", **kwargs: Any) -> None:
        super().__init__(*args, gamma=0.0, order=order, **kwargs)

    def iterate(self, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        u, v = self.players()
        return iterate(self.risk_on(x, y), leader=u, follower=v, ascents=self.ascents(x, y), **self.schedule)
