"""The minimax defence (Sec. 4.2): Alg. 1 with the defender leading."""

from typing import Any

from torch import Tensor

from mvm.games.two_player import Schedule, TwoPlayer
from mvm.leader_follower import Risk, iterate
from mvm.penalty import Through, form
from mvm.penalty.every import every as every_nth


class Minimax(TwoPlayer):
    """min_u max_v f(u, v), Eq. (11). The defaults are Alg. 1 as printed.

    gamma is 1 in the paper for CIFAR-10 (Appendix B) and not given for MNIST. penalty: exact, which
    is linear or image by the defender's layers; these and double are exact and agree; part, lookahead and carried
    are cheaper and are not, nor is fd; see `mvm.penalty`. every: the penalty is taken at every `every`-th
    iteration only, so many times as strong.
    """

    alike = True
    penalties = ("exact", "linear", "image", "double", "part", "lookahead", "carried", "fd")

    def __init__(
        self,
        *args: Any,
        gamma: float = 1.0,
        order: str = "simultaneous",
        penalty: str = "exact",
        every: int = 1,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, gamma=gamma, order=order, penalty=penalty, **kwargs)
        self.every, self.gamma = every, every_nth(every, gamma)
        if every > 1 and (penalty == "carried" or not gamma):
            raise ValueError(f"every={every} saves nothing with penalty={penalty} and gamma={gamma}: use every=1")
        v = [p for p in self.attacker.parameters() if p.requires_grad]
        self.form = form(penalty, v)  # a memory goes into the checkpoint with the game

    def iterate(self, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        u, v = self.players()
        now: Schedule = {**self.schedule, "gamma": self.gamma(self.iteration + 1), "penalty": self.form}
        return iterate(self.risk_on(x, y), leader=u, follower=v, ascents=self.ascents(x, y), **now)

    def obstacle(self) -> str:
        return f"every={self.every} takes the penalty at some iterations only" if self.every > 1 else super().obstacle()

    def risk_on(self, x: Tensor, y: Tensor) -> Risk:
        return Through(lambda: self.z(x, y), self.defender, lambda logits: self.f_of(logits, y))
