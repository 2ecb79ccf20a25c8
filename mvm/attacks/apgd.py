"""Auto-PGD (Croce & Hein, 2020, Alg. 1): projected ascent that chooses its step size by itself."""

from functools import partial

import torch
from torch import Tensor

from mvm.attacks.attack import Attack, Classifier
from mvm.attacks.gradient import Seen, climb
from mvm.attacks.loss import choose_loss
from mvm.attacks.worst import Worst, wide, worst_of
from mvm.numbers import check_whole
from mvm.seeding import derive, image_noise
from mvm.threat import clip

MOMENTUM, RHO = 0.75, 0.75  # alpha and rho of the paper


class APGD(Attack):
    """Step 2 eta at first; at each checkpoint an image's step is halved, and it goes back to its best z, if
    its loss rose in fewer than 75 % of the steps since the last one, or neither step nor best loss changed.

    Steps have momentum 0.75, but for the first one after going back (ours: the paper's formula keeps it), and the best
    iterate is kept. The loss is the paper's choice of two: cross_entropy or dlr; margin is ours. `restarts` from random
    points, skipping images that are broken already.
    Nothing to tune but `steps` (a hundred in the paper).
    """

    def __init__(
        self, *, eta: float, box: bool = True, steps: int = 100, restarts: int = 1, loss: str = "dlr", seed: int = 0
    ) -> None:
        super().__init__(eta=eta, box=box)
        check_whole(steps=steps, restarts=restarts)
        self.steps, self.restarts, self.seed = steps, restarts, seed
        self.loss = choose_loss(loss)

    def perturb(self, classifier: Classifier, x: Tensor, y: Tensor) -> Tensor:
        return worst_of([partial(self._climb, classifier, derive(self.seed, r)) for r in range(self.restarts)], x, y)

    def _climb(self, classifier: Classifier, seed: int, x: Tensor, y: Tensor) -> Worst:
        z = clip(x + self.eta * (2 * image_noise(x, seed) - 1), x, self.eta, box=self.box)
        ends = checkpoints(self.steps)
        state = _State(z, climb(classifier, z, y, self.loss), 2 * self.eta)
        for k in range(1, self.steps + 1):
            a = MOMENTUM if k > 1 else 1.0
            straight = clip(state.z + wide(state.step, x) * state.gradient.sign(), x, self.eta, box=self.box)
            z = state.z + a * (straight - state.z) + (1 - a) * (state.z - state.before)
            z = clip(z, x, self.eta, box=self.box)
            state.move(z, climb(classifier, z, y, self.loss))
            if k in ends:
                state.checkpoint()
        return state.found

    @property
    def gradients(self) -> int:
        return (self.steps + 1) * self.restarts


class _State:
    """Where each image of a batch stands in its climb."""

    def __init__(self, z: Tensor, at: Seen, step: float) -> None:
        self.z = self.before = self.best = z
        self.loss = self.best_loss = self.best_then = at.loss
        self.gradient = self.best_gradient = at.gradient
        self.found = Worst(z, at.loss, at.wrong)
        self.step = torch.full_like(at.loss, step)
        self.rises, self.since = torch.zeros_like(at.loss), 0
        self.kept_step = torch.zeros_like(at.wrong)

    def move(self, z: Tensor, at: Seen) -> None:
        """Go to z; `best` is the z of largest loss, to go back to; `found` prefers misclassified ones."""
        self.before, self.z = self.z, z
        self.rises, self.since = self.rises + (at.loss > self.loss), self.since + 1
        self.loss, self.gradient = at.loss, at.gradient
        better = wide(at.loss > self.best_loss, z)
        self.best = torch.where(better, z, self.best)
        self.best_gradient = torch.where(better, at.gradient, self.best_gradient)
        self.found.offer(z, at.loss, at.wrong)
        self.best_loss = torch.maximum(at.loss, self.best_loss)

    def checkpoint(self) -> None:
        """Halve the steps that do not pay any more, and take those images back to their best z."""
        stuck = self.kept_step & (self.best_loss <= self.best_then)
        halve = (self.rises < RHO * self.since) | stuck
        back = wide(halve, self.z)
        self.step = torch.where(halve, self.step / 2, self.step)
        self.z = torch.where(back, self.best, self.z)
        self.before = torch.where(back, self.best, self.before)
        self.gradient = torch.where(back, self.best_gradient, self.gradient)
        self.loss = torch.where(halve, self.best_loss, self.loss)
        self.rises, self.since = torch.zeros_like(self.rises), 0
        self.best_then, self.kept_step = self.best_loss, ~halve


def checkpoints(steps: int) -> set[int]:
    """The iterations at which the step may be halved: p_0 = 0, p_1 = 0.22, then gaps 0.03 shorter, 0.06 at least."""
    p, gap, out = 22, 22, set()  # in percent: fractions would be rounded up
    while p <= 100:
        out.add(-(-p * steps // 100))
        gap = max(gap - 3, 6)
        p += gap
    return out
