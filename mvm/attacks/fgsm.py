"""The fast gradient sign method, Eq. (1) (Goodfellow et al., 2014b)."""

from torch import Tensor

from mvm.attacks.attack import Attack, Classifier
from mvm.sensitivity import input_gradient
from mvm.threat import clip


class FGSM(Attack):
    """Eq. (1): z = x + eta sign(dl/dx), with the true label. Not clipped to [-1, 1] unless `box`."""

    alike = True

    def __init__(self, *, eta: float, box: bool = False) -> None:
        super().__init__(eta=eta, box=box)

    def perturb(self, classifier: Classifier, x: Tensor, y: Tensor) -> Tensor:
        _, gradient = input_gradient(classifier, x, y)
        return clip(x + self.eta * gradient.sign(), x, self.eta, box=self.box)

    @property
    def gradients(self) -> int:
        return 1
