"""The fast gradient method without the sign, Eq. (4)."""

from torch import Tensor

from mvm.attacks.attack import Attack, Classifier
from mvm.sensitivity import input_gradient
from mvm.threat import clip


class FGM(Attack):
    """Eq. (4): z = x + eta dl/dz, taken at z = x.

    As printed, nothing bounds the gradient. It is clipped to the ball here, where it would leave it, so
    that its errors compare with the others'; the game of Eq. (7) needs the formula, not this attack.
    """

    alike = True

    def __init__(self, *, eta: float, box: bool = False) -> None:
        super().__init__(eta=eta, box=box)

    def perturb(self, classifier: Classifier, x: Tensor, y: Tensor) -> Tensor:
        _, gradient = input_gradient(classifier, x, y)
        return clip(x + self.eta * gradient, x, self.eta, box=self.box)

    @property
    def gradients(self) -> int:
        return 1
