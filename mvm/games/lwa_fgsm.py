"""LWA-FGSM (Sec. 3.2): Eq. (7) without its penalty, "learning with adversaries" (Huang et al., 2015)."""

from typing import Any

from torch import Tensor, nn

from mvm.attacks.attack import Attack
from mvm.games.one_player import OnePlayer
from mvm.games.playable import fixed


class LWAFGSM(OnePlayer):
    """u descends on f(u, Z), with Z remade from the current defender at every iteration. No clean images."""

    against: Attack
    alike = True

    def __init__(self, defender: nn.Module, *, against: Attack, **kwargs: Any) -> None:
        super().__init__(defender, **kwargs)
        self.against = fixed(against)

    def loss(self, x: Tensor, y: Tensor) -> Tensor:
        return self.f(self.perturb(x, y), y)

    def perturb(self, x: Tensor, y: Tensor) -> Tensor:
        return self.against(self.defender, x, y)
