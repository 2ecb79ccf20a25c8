"""Random signs: the control that any attack has to beat."""

import torch
from torch import Tensor

from mvm.attacks.attack import Attack, Classifier
from mvm.seeding import image_noise
from mvm.threat import clip


class Noise(Attack):
    """z = x + eta s, with s = +-1 per pixel, each with probability 1/2."""

    alike = True

    def __init__(self, *, eta: float, box: bool = False, seed: int = 0) -> None:
        super().__init__(eta=eta, box=box)
        self.seed = seed

    def perturb(self, classifier: Classifier, x: Tensor, y: Tensor) -> Tensor:
        s = torch.where(image_noise(x, self.seed) < 0.5, -1.0, 1.0).to(x.dtype)
        return clip(x + self.eta * s, x, self.eta, box=self.box)
