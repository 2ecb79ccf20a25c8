"""The difference of two defences over seeds and images, by the hierarchical bootstrap."""

from typing import NamedTuple

import numpy as np


class Difference(NamedTuple):
    """mean(a) - mean(b), its 95 % interval, and the two-sided p-value of no difference."""

    value: float
    low: float
    high: float
    p: float


def paired_bootstrap(a: np.ndarray, b: np.ndarray, *, draws: int = 2000, seed: int = 0) -> Difference:
    """a, b: wrong answers, (seeds, images) bool; row s of both has the same seed, column i the same image.

    Each draw takes seeds and images with replacement, the same ones for a and b. The spread over few
    seeds is too small by sqrt(S / (S - 1)), S the number of seeds, for which the interval and p are widened
    here. One seed: images only, and the interval says nothing of training.
    """
    if a.shape != b.shape or a.ndim != 2 or a.size == 0:
        raise ValueError(f"paired_bootstrap: {a.shape} and {b.shape}: need two arrays (seeds, images) of one shape")
    d = a.astype(np.float32) - b.astype(np.float32)
    seeds, n = d.shape
    random = np.random.default_rng(seed)
    value = float(d.mean())
    means = np.empty(draws)
    for k in range(draws):
        rows = d[random.integers(0, seeds, seeds)].mean(0)
        means[k] = rows[random.integers(0, n, n)].mean()
    means = value + (means - means.mean()) * (np.sqrt(seeds / (seeds - 1)) if seeds > 1 else 1.0)
    low, high = np.quantile(means, [0.025, 0.975])
    tail = min((means <= 0).mean(), (means >= 0).mean())
    return Difference(value, float(low), float(high), float(min(1.0, max(2 * tail, 1 / draws))))
