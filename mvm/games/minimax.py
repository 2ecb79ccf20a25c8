"""The minimax defence (Sec. 4.2): Alg. 1 with the defender leading."""

from typing import Any

from torch import Tensor

from mvm.games.two_player import TwoPlayer
from mvm.leader_follower import iterate
from mvm.penalty import Through


class Minimax(TwoPlayer):
    """min_u max_v f(u, v), Eq. (11). The defaults are Alg. 1 as printed.

    gamma is 1 in the paper for CIFAR-10 (Appendix B) and not given for MNIST. penalty: exact, which
    is linear or image by the defender's layers; these and double are exact and agree; lookahead and fd are not;
    see `mvm.penalty`.
    """

    penalties = ("exact", "linear", "image", "double", "fd", "lookahead")

    def __init__(
        self, *args: Any, gamma: float = 1.0, order: str = "simultaneous", penalty: str = "exact", **kwargs: Any
    ) -> None:
        super().__init__(*args, gamma=gamma, order=order, penalty=penalty, **kwargs)

    def iterate(self, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        u, v = self.players()
        f = Through(lambda: self.attacker(x, y), self.defender, lambda logits: self.f_of(logits, y))
        return iterate(f, leader=u, follower=v, **self.schedule)
