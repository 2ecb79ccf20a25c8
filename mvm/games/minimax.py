"""The minimax defence (Sec. 4.2): Alg. 1 with the defender leading."""

from typing import Any

from torch import Tensor

from mvm.games.two_player import TwoPlayer
from mvm.leader_follower import iterate


class Minimax(TwoPlayer):
    """min_u max_v f(u, v), Eq. (11). The defaults are Alg. 1 as printed.

    gamma is 1 in the paper for CIFAR-10 (Appendix B) and not given for MNIST.
    """

    def __init__(self, *args: Any, gamma: float = 1.0, order: str = "simultaneous", **kwargs: Any) -> None:
        super().__init__(*args, gamma=gamma, order=order, **kwargs)

    def iterate(self, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        u, v = self.players()
        return iterate(lambda: self.f(self.attacker(x, y), y), leader=u, follower=v, **self.schedule)
