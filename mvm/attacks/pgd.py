"""Projected gradient descent with random starts (Madry et al., 2018): not in the paper, the field's yardstick."""

from functools import partial
from typing import Any

import torch
from torch import Tensor

from mvm.attacks.attack import Attack, Classifier
from mvm.attacks.gradient import climb, look
from mvm.attacks.loss import choose_loss
from mvm.attacks.worst import Worst, worst_of
from mvm.numbers import check_flags, check_positive, check_whole
from mvm.seeding import derive, image_noise
from mvm.threat import clip

ENOUGH = 3  # misclassified iterates of an image: of those just over the border, rounding to 8 bits would undo some


class PGD(Attack):
    """From a uniform random point of the ball, `steps` times z <- clip(z + step sign(dl/dz)); `restarts` times.

    The worst iterate of all is kept per image (Madry et al. take the last one): a misclassified one before
    any other, else the one with the largest loss; a restart skips the images that are broken already.
    `step=None` takes 2.5 eta / steps, which reaches across the ball from any start.
    stop: an image climbs no further than to its third misclassified iterate. The error is the same and takes
    a fraction of the time where most images break; the images are not as bad as they could be, so not for training.
    loss: cross_entropy, margin or dlr. start: an attack whose images are tried first and climbed from,
    before the random starts; a learned one is fitted by `fit`.
    """

    alike = True

    def __init__(
        self,
        *,
        eta: float,
        box: bool = True,
        steps: int = 20,
        step: float | None = None,
        restarts: int = 1,
        loss: str = "cross_entropy",
        stop: bool = False,
        start: Attack | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__(eta=eta, box=box)
        check_whole(steps=steps, restarts=restarts)
        check_flags(stop=stop)
        if step is not None:
            check_positive(step=step)
        self.steps, self.restarts, self.stop = steps, restarts, stop
        self.start = start
        self.seed: int | Tensor = seed
        self.step = 2.5 * self.eta / steps if step is None else step
        self.loss = choose_loss(loss)

    def perturb(self, classifier: Classifier, x: Tensor, y: Tensor) -> Tensor:
        attempts = [partial(self._climb, classifier, derive(self.seed, r)) for r in range(self.restarts)]
        if self.start:
            attempts.insert(0, partial(self._climb, classifier, None))
        return worst_of(attempts, x, y)

    def _climb(self, classifier: Classifier, seed: int | Tensor | None, x: Tensor, y: Tensor) -> Worst:
        """The worst iterate from the random point of `seed`, or from `start`'s images."""
        z = self._first(classifier, seed, x, y)
        seen = climb(classifier, z, y, self.loss)
        found, going = Worst(z, seen.loss, seen.wrong), torch.arange(len(x), device=x.device)
        times = seen.wrong.long()  # misclassified
        for left in reversed(range(self.steps)):
            gradient = seen.gradient
            if self.stop:
                on = (times < ENOUGH).nonzero().squeeze(1)
                z, gradient, x, y, going, times = (t[on] for t in (z, gradient, x, y, going, times))
                if not len(on):
                    break
            z = clip(z + self.step * gradient.sign(), x, self.eta, box=self.box)
            seen = (climb if left else look)(classifier, z, y, self.loss)
            found.offer(z, seen.loss, seen.wrong, going)
            times += seen.wrong
        return found

    def _first(self, classifier: Classifier, seed: int | Tensor | None, x: Tensor, y: Tensor) -> Tensor:
        if seed is None:
            assert self.start is not None
            return clip(self.start(classifier, x, y), x, self.eta, box=self.box)
        return clip(x + self.eta * (2 * image_noise(x, seed) - 1), x, self.eta, box=self.box)

    def fit(self, *args: Any, **kwargs: Any) -> None:
        if self.start:
            self.start.fit(*args, **kwargs)

    def obstacle(self) -> str:
        if self.stop or self.restarts > 1 or self.start:
            return "PGD with stop, restarts or start leaves out images that are broken"
        return super().obstacle()

    def report(self) -> dict[str, Any]:
        return self.start.report() if self.start else {}

    @property
    def gradients(self) -> int:
        return (self.steps + 1) * (self.restarts + (1 if self.start else 0))

    @property
    def fit_steps(self) -> int:
        return self.start.fit_steps if self.start else 0
