"""Intervals of an error rate over seeds and images, and of the difference of two."""

import math
from functools import cache

import numpy as np

from mvm.audit.wilson import wilson

# 97.5 % points of Student's t for 1, 2, ... degrees of freedom; further on the normal's
T = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131)


def interval(errors: list[float], n: int) -> tuple[float, float]:
    """95 % interval of the mean error of several seeds, each on the same n images.

    Wilson's for the draw of images, Student's t for the draw of seeds; the lower of the two lower and
    the higher of the two upper ends. One seed says nothing about seeds: Wilson's alone.
    """
    mean = sum(errors) / len(errors)
    low, high = wilson(round(mean * n), n)
    if len(errors) > 1:
        t = T[len(errors) - 2] if len(errors) - 2 < len(T) else 1.96
        half = t * float(np.std(errors, ddof=1)) / math.sqrt(len(errors))
        low, high = min(low, mean - half), max(high, mean + half)
    return max(0.0, low), min(1.0, high)


def difference(left: np.ndarray, right: np.ndarray, draws: int = 1000) -> tuple[float, float, float]:
    """Mean of left - right, and its 95 % interval by a bootstrap over seeds and images, paired in both.

    left, right: (seeds, n), which images each seed's classifier gets wrong. A draw takes seeds with
    replacement and weighs the images by a multinomial count, the same for every seed and both sides.
    """
    d = left.astype(np.float32) - right.astype(np.float32)  # (S, n)
    seeds, n = d.shape
    means = _weights(n, draws) @ d.T / n  # (draws, S)
    chosen = np.random.default_rng(1).integers(0, seeds, (draws, seeds))
    drawn = np.take_along_axis(means, chosen, axis=1).mean(1)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(d.mean()), float(low), float(high)


@cache
def _weights(n: int, draws: int) -> np.ndarray:
    """How often each of n images is drawn, (draws, n)."""
    generator = np.random.default_rng(0)
    return np.stack([np.bincount(generator.integers(0, n, n), minlength=n) for _ in range(draws)]).astype(np.float32)
