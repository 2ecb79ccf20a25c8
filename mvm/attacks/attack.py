"""What every attack is: a callable (classifier, x, y) -> z with z in the threat model."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from mvm.attacks.attacked import attacked
from mvm.graphed import alike
from mvm.numbers import check_flags
from mvm.threat import check_eta, check_feasible

Classifier = nn.Module
Progress = Callable[[int, int, str], None]  # (steps done, steps in all, what to show beside the bar)


class Attack(ABC):
    """Perturbs images x by at most eta per pixel, l_inf, on images in [-1, 1].

    box: whether z must also stay in [-1, 1]. Eq. (1) has no such clip, Eq. (2) has; only boxed images
    are images (on CIFAR-10 not quite, see `mvm.threat`). Attacks with randomness take a `seed`, and are a function
    of it.
    """

    alike = False  # whether this very class takes the same steps for all images: then a GPU may replay them, with
    # a `seed` in a tensor if it has one, which `mvm.seeding` takes like a number

    def __init__(self, *, eta: float, box: bool) -> None:
        check_flags(box=box)
        self.eta, self.box = check_eta(eta), box

    def __call__(self, classifier: Classifier, x: Tensor, y: Tensor) -> Tensor:
        """z for images x (B, C, H, W) in [-1, 1] and true labels y (B,); shaped like x, detached.

        The classifier is as in `mvm.attacks.attacked` meanwhile, and afterwards as it was; its parameters'
        gradients and the global random state are left alone. Raises `mvm.threat.Infeasible` if the attack
        itself is broken, ValueError where images to be kept in [-1, 1] are not there; neither in a recording
        (`mvm.graphed`), which can ask for no value.
        """
        with attacked(classifier):
            z = self.perturb(classifier, x, y).detach()
        if not (x.is_cuda and torch.cuda.is_current_stream_capturing()):  # a recording cannot ask for a value
            check_feasible(z, x, self.eta, box=self.box, name=type(self).__name__)
        return z

    @abstractmethod
    def perturb(self, classifier: Classifier, x: Tensor, y: Tensor) -> Tensor:
        """The attack itself, without the checks."""

    def fit(  # noqa: B027
        self,
        classifier: Classifier,
        x: Tensor,
        y: Tensor,
        progress: Progress | None = None,
        val: tuple[Tensor, Tensor] | None = None,
    ) -> None:
        """Train against this classifier on the training set (x, y). Only learned attacks have anything to do.

        val: images and labels by which an attack with several candidates chooses.
        """

    def obstacle(self) -> str:
        """Why a GPU cannot replay what it once did, on other images; empty where it can."""
        kind = type(self).__name__
        return "" if alike(self) else f"{kind} does not say of its steps that they are alike for all images"

    def report(self) -> dict[str, Any]:
        """What a reader of the score should know of how this attack came about: plain data for the record."""
        return {}

    @property
    def gradients(self) -> int:
        """Input gradients that one image costs, for an estimate of the time."""
        return 0

    @property
    def fit_steps(self) -> int:
        """Training iterations that `fit` takes."""
        return 0


@torch.no_grad()
def wrong(classifier: Classifier, z: Tensor, y: Tensor) -> Tensor:
    """Which images the classifier gets wrong, (B,) bool."""
    return classifier(z).argmax(1) != y
