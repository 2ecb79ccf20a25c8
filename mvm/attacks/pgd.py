"""Projected gradient descent with random starts (Madry et al., 2018): not in the paper, the field's yardstick."""

import torch
import torch.nn.functional as F
from torch import Tensor

from mvm.attacks.attack import Attack, Classifier
from mvm.seeding import derive, image_noise
from mvm.sensitivity import input_gradient
from mvm.threat import clip


class PGD(Attack):
    """From a uniform random point of the ball, `steps` times z <- clip(z + step sign(dl/dz)); `restarts` times.

    The worst result is kept per image: a misclassified one before any other, else the one with the
    largest loss. `step=None` takes 2.5 eta / steps, which reaches across the ball from any start.
    """

    def __init__(
        self,
        *,
        eta: float,
        box: bool = True,
        steps: int = 20,
        step: float | None = None,
        restarts: int = 1,
        seed: int = 0,
    ) -> None:
        super().__init__(eta=eta, box=box)
        if steps < 1 or restarts < 1:
            raise ValueError(f"steps={steps}, restarts={restarts}: PGD needs 1 or more of each")
        self.steps, self.restarts, self.seed = steps, restarts, seed
        self.step = 2.5 * self.eta / steps if step is None else step

    def perturb(self, classifier: Classifier, x: Tensor, y: Tensor) -> Tensor:
        worst, score = x, torch.full((len(x),), -torch.inf, dtype=x.dtype, device=x.device)
        for restart in range(self.restarts):
            z = self._climb(classifier, x, y, derive(self.seed, restart))
            found = self._score(classifier, z, y)
            worst = torch.where((found > score).view(-1, 1, 1, 1), z, worst)
            score = torch.maximum(found, score)
        return worst

    def _climb(self, classifier: Classifier, x: Tensor, y: Tensor, seed: int) -> Tensor:
        z = clip(x + self.eta * (2 * image_noise(x, seed) - 1), x, self.eta, box=self.box)
        for _ in range(self.steps):
            _, gradient = input_gradient(classifier, z, y)
            z = clip(z + self.step * gradient.sign(), x, self.eta, box=self.box)
        return z

    @staticmethod
    @torch.no_grad()
    def _score(classifier: Classifier, z: Tensor, y: Tensor) -> Tensor:
        """The cross-entropy of each image, infinite where the answer is wrong."""
        logits = classifier(z)
        loss = F.cross_entropy(logits, y, reduction="none")
        return loss.masked_fill(logits.argmax(1) != y, torch.inf)

    @property
    def gradients(self) -> int:
        return self.steps * self.restarts
