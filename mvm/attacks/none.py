"""No attack: the clean images."""

from torch import Tensor

from mvm.attacks.attack import Attack, Classifier


class Clean(Attack):
    """z = x. Its error is the clean error."""

    alike = True

    def __init__(self) -> None:
        super().__init__(eta=0.0, box=False)

    def perturb(self, classifier: Classifier, x: Tensor, y: Tensor) -> Tensor:
        return x
