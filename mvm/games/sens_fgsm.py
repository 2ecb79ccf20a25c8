"""Sens-FGSM (Sec. 3.2): the classifier that minimises Eq. (7), risk plus sensitivity to the input."""

from typing import Any

from torch import Tensor, nn

from mvm.attacks.attack import Attack
from mvm.games.one_player import OnePlayer
from mvm.games.playable import fixed
from mvm.penalty import FORMS, Through, check_penalty, twice
from mvm.sensitivity import sensitivity


class SensFGSM(OnePlayer):
    """u descends on f(u, Z) + gamma/2 ||df/dZ||^2 with gamma = eta N, Eq. (7).

    Z is remade from the current defender at every iteration and held fixed while u is differentiated.
    Eq. (7) is derived for the attack without sign, Eq. (4); the paper's FGSM is Eq. (1), the default of
    `against`. penalty: as in `mvm.games.minimax`.
    """

    against: Attack
    alike = True

    def __init__(self, defender: nn.Module, *, against: Attack, penalty: str = "exact", **kwargs: Any) -> None:
        super().__init__(defender, **kwargs)
        check_penalty(penalty, ("exact", "linear", "image", "double", "fd", "lookahead"))
        self.against, self.penalty = fixed(against), penalty

    def iterate(self, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        z, u = self.perturb(x, y).requires_grad_(True), self.player(self.defender.parameters())
        gamma = self.against.eta * len(x)
        f = Through(lambda: z, self.defender, lambda logits: self.f_of(logits, y))
        seen = FORMS[self.penalty](f, u.parameters, [z], gamma)
        u.move(seen.g_u)
        return {"risk": seen.risk.detach(), "sensitivity": seen.norm.detach()}

    def loss(self, x: Tensor, y: Tensor) -> Tensor:
        """Eq. (7) itself, for those who want its value."""
        z = self.perturb(x, y).requires_grad_(True)
        value = self.f(z, y)
        return value + self.against.eta * len(x) / 2 * sensitivity(value, [z])[0]

    def obstacle(self) -> str:
        return twice(self.penalty) or super().obstacle()

    def perturb(self, x: Tensor, y: Tensor) -> Tensor:
        return self.against(self.defender, x, y)
