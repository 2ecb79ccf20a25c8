"""The iterated fast gradient sign method, Eq. (2) (Kurakin et al., 2016a)."""

from torch import Tensor

from mvm.attacks.attack import Attack, Classifier
from mvm.numbers import check_positive, check_whole
from mvm.sensitivity import input_gradient
from mvm.threat import clip


class IFGSM(Attack):
    """Eq. (2): z <- clip_{x,eta}(z + step sign(dl/dz)), from z = x.

    The paper prints step = eta (`step=None`) and gives no number of steps; 10 is our choice.
    """

    alike = True

    def __init__(self, *, eta: float, box: bool = True, steps: int = 10, step: float | None = None) -> None:
        super().__init__(eta=eta, box=box)
        check_whole(steps=steps)
        if step is not None:
            check_positive(step=step)
        self.steps, self.step = steps, self.eta if step is None else step

    def perturb(self, classifier: Classifier, x: Tensor, y: Tensor) -> Tensor:
        z = x
        for _ in range(self.steps):
            _, gradient = input_gradient(classifier, z, y)
            z = clip(z + self.step * gradient.sign(), x, self.eta, box=self.box)
        return z

    @property
    def gradients(self) -> int:
        return self.steps
