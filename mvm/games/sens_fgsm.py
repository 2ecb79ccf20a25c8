"""Sens-FGSM (Sec. 3.2): the classifier that minimises Eq. (7), risk plus sensitivity to the input."""

from typing import Any

from torch import Tensor, nn

from mvm.attacks.attack import Attack
from mvm.games.one_player import OnePlayer
from mvm.sensitivity import sensitivity


class SensFGSM(OnePlayer):
    """u descends on f(u, Z) + gamma/2 ||df/dZ||^2 with gamma = eta N, Eq. (7).

    Z is remade from the current defender at every iteration and held fixed while u is differentiated.
    Eq. (7) is derived for the attack without sign, Eq. (4); the paper's FGSM is Eq. (1), the default of
    `against`.
    """

    def __init__(self, defender: nn.Module, *, against: Attack, **kwargs: Any) -> None:
        super().__init__(defender, **kwargs)
        self.against = against

    def loss(self, x: Tensor, y: Tensor) -> Tensor:
        z = self.perturb(x, y).requires_grad_(True)
        value = self.f(z, y)
        norm, _ = sensitivity(value, [z])
        self.seen["sensitivity"] = norm.detach()
        gamma = self.against.eta * len(x)
        return value + gamma / 2 * norm

    def perturb(self, x: Tensor, y: Tensor) -> Tensor:
        return self.against(self.defender, x, y)
