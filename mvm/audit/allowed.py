"""What an attack makes of images, if it stays in the threat model."""

from torch import Tensor, nn

from mvm.attacks.attack import Attack
from mvm.threat import Infeasible


def allowed(classifier: nn.Module, attack: Attack, x: Tensor, y: Tensor) -> tuple[Tensor, str | None]:
    """The attack's images and None; or, of an attack that left the ball or the box, x itself and how it did."""
    try:
        return attack(classifier, x, y), None
    except Infeasible as why:
        return x, str(why)
