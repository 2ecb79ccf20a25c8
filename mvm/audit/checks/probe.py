"""What a few attacks of our own show on a slice of the test images, all in one threat model: E05 to E13."""

from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from mvm.attacks.attack import Attack, wrong
from mvm.attacks.fgsm import FGSM
from mvm.attacks.ifgsm import IFGSM
from mvm.attacks.noise import Noise
from mvm.attacks.pgd import PGD
from mvm.audit.allowed import allowed
from mvm.audit.checks.at_least import at_least
from mvm.audit.checks.verdict import WARN, Check, judge

CHANCE = 0.1  # ten classes


def probe(classifier: nn.Module, x: Tensor, y: Tensor, eta: float) -> list[Check]:
    """All probes, boxed, on images x and labels y of one chunk; the classifier is in the mode of its evaluation."""
    hit = partial(broken, classifier, x, y)
    fgsm, noise = hit(FGSM(eta=eta, box=True)), hit(Noise(eta=eta, box=True))
    pgd = hit(PGD(eta=eta))
    strong = pgd | hit(PGD(eta=eta, loss="margin"))
    return [
        at_least("E06", "iterative against single-step: IFGSM below FGSM", hit(IFGSM(eta=eta, step=eta / 4)), fgsm),
        at_least("E06", "iterative against single-step: PGD below FGSM", pgd, fgsm),
        at_least("E07", "white-box PGD is below random noise", pgd, noise),
        at_least("E05", "PGD on cross-entropy is far below PGD on the margin: masked", pgd, strong, slack=0.1),
        monotone(hit(PGD(eta=eta / 2)), strong),
        restarts(classifier, x, y, eta),
        doubling("E11", pgd, hit(PGD(eta=eta, steps=40)), what="doubling PGD's 20 steps"),
        limit(classifier, x, y),
    ]


def monotone(half: np.ndarray, full: np.ndarray) -> Check:
    """E09: an iterative attack does not lose by a larger eta."""
    return at_least("E09", "PGD at eta is below PGD at eta / 2", full, half)


def restarts(classifier: nn.Module, x: Tensor, y: Tensor, eta: float) -> Check:
    """E13: an image that one restart breaks, two restarts break."""
    one, two = (broken(classifier, x, y, PGD(eta=eta, steps=5, restarts=r)) for r in (1, 2))
    return judge("E13", bool((one & ~two).any()), "a restart lost a broken image", lost=int((one & ~two).sum()))


def doubling(id: str, once: np.ndarray, twice: np.ndarray, *, what: str, attack: str | None = None) -> Check:
    """E11: doubling the budget changes the error by less than half a point."""
    change = abs(twice.mean().item() - once.mean().item())
    return judge(
        id, change >= 0.005, f"{what} changes the error", verdict=WARN, attack=attack, change=change, n=len(once)
    )


def limit(classifier: nn.Module, x: Tensor, y: Tensor, n: int = 100) -> Check:
    """E10: at eta = 1 every boxed image can become grey, so accuracy must fall to chance (+ 3 sigma)."""
    left = torch.arange(0, len(x), -(-len(x) // n), device=x.device)  # n at most, all over the slice
    count = len(left)
    for steps, loss in ((10, "cross_entropy"), (100, "cross_entropy"), (100, "margin")):
        if len(left):  # the long attacks are for the images that the short one does not break
            hit = broken(classifier, x[left], y[left], PGD(eta=1.0, steps=steps, loss=loss))
            left = left[torch.from_numpy(~hit).to(left.device)]
    accuracy = len(left) / count
    most = CHANCE + 3 * (CHANCE * (1 - CHANCE) / count) ** 0.5
    return judge("E10", accuracy > most, "PGD at eta = 1 leaves accuracy above chance", accuracy=accuracy, allowed=most)


def broken(classifier: nn.Module, x: Tensor, y: Tensor, attack: Attack) -> np.ndarray:
    """Which of the images the attack breaks, (n,) bool."""
    with torch.enable_grad():
        z, _ = allowed(classifier, attack, x, y)
    return wrong(classifier, z, y).cpu().numpy()
