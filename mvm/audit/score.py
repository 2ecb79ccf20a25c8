"""One defence against one attack, on the whole test set, with the attack made for that defence."""

import base64
import time
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mvm.attacks.attack import Attack, Progress, evaluating
from mvm.audit.wilson import wilson
from mvm.data.images import CHUNK, Images
from mvm.sensitivity import input_gradient

Cell = dict[str, Any]


def score(classifier: nn.Module, attack: Attack, data: Images, progress: Progress) -> Cell:
    """The error rate of `classifier` on `attack`'s images of the test set, with its Wilson interval.

    A learned attack has to be trained before (`Attack.fit`). `predicted` counts the answers by class: an
    error near 0.9 may only mean that one class is answered everywhere. `wrong` has a bit an image.
    """
    with evaluating(classifier):
        guesses = predict(classifier, attack, data, progress)
    y = data.test.y
    errors, n = guesses != y, len(y)
    wrong = int(errors.sum())
    low, high = wilson(wrong, n)
    return {
        "eta": attack.eta,
        "box": attack.box,
        "error": wrong / n,
        "n": n,
        "ci_low": low,
        "ci_high": high,
        "predicted": torch.bincount(guesses, minlength=int(y.max()) + 1).tolist(),
        "wrong": base64.b64encode(
            np.packbits(errors.cpu().numpy()).tobytes()
        ).decode(),  # a bit an image, for paired comparisons
    }


def predict(classifier: nn.Module, attack: Attack, data: Images, progress: Progress) -> Tensor:
    """The classifier's answers on the attacked test set, (N,)."""
    guesses: list[Tensor] = []
    wrong = 0
    for x, y in data.test.chunks():
        z = attack(classifier, x, y)
        with torch.no_grad():
            guesses.append(classifier(z).argmax(1))
        wrong += int((guesses[-1] != y).sum())
        done = sum(map(len, guesses))
        progress(done, len(data.test.y), f"error {wrong / done:.3f}")
    return torch.cat(guesses)


def seconds_to_score(classifier: nn.Module, attacks: list[Attack], data: Images) -> float:
    """A forecast: input gradients and training steps of the attacks, at the measured price of a gradient."""
    x, y = data.test.x[:CHUNK], data.test.y[:CHUNK]
    with evaluating(classifier):
        input_gradient(classifier, x, y)  # the first call pays for setting up
        start = time.perf_counter()
        input_gradient(classifier, x, y)
    price = (time.perf_counter() - start) / len(x)
    images = sum((a.gradients + 0.5) * len(data.test.y) + a.fit_steps * 128 * 1.3 for a in attacks)
    return images * price
