"""The best attack network against a given defender, Eqs. (9) and (10)."""

import torch
from torch import Tensor, nn

from mvm.attacks.attnet import AttNetAttack
from mvm.games.game import Game, Optimizer
from mvm.games.playable import learned
from mvm.leader_follower import ascend
from mvm.numbers import check_positive
from mvm.risk import risk


class AttNetGame(Game):
    """v <- v + sigma df(u, v)/dv against `source`, a defender that stays as it is.

    The same ascent as `AttNetAttack.fit`, as a run of its own: resumable, with a history.
    """

    trained = ("attacker",)
    alike = True

    def __init__(
        self,
        defender: nn.Module,
        *,
        source: nn.Module,
        attack: AttNetAttack,
        iterations: int,
        sigma: float,
        v_optimizer: Optimizer = torch.optim.Adam,
        seed: int = 0,
    ) -> None:
        defender.load_state_dict(source.state_dict())
        super().__init__(defender.requires_grad_(False), iterations=iterations, seed=seed)
        self.attack, self.attacker = attack, learned(attack)
        check_positive(sigma=sigma)
        self.sigma, self.v_optimizer = sigma, v_optimizer

    def iterate(self, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        self.defender.eval()
        ascend(lambda: self._climbed(x, y), self.player(self.attacker.parameters()))
        return {}

    def _climbed(self, x: Tensor, y: Tensor) -> Tensor:
        """f, or the network's own gain if it has one; f is what is recorded."""
        logits = self.defender(self.attacker(x, y))
        self.f_of(logits, y)
        gain: Tensor = getattr(self.attacker, "gain", risk)(logits, y)
        return gain

    def perturb(self, x: Tensor, y: Tensor) -> Tensor:
        assert self.attack is not None
        return self.attack(self.defender, x, y)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return self.v_optimizer(self.attacker.parameters(), lr=self.sigma)
