"""The difference of two defences over seeds and images, by the hierarchical bootstrap."""

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from mvm.audit.student import t95, two_sided


class Difference(NamedTuple):
    """mean(a) - mean(b), its 95 % interval, and the two-sided p-value of no difference."""

    value: float
    low: float
    high: float
    p: float


def paired_bootstrap(a: np.ndarray, b: np.ndarray, *, draws: int = 2000, seed: int = 0) -> Difference:
    """a, b: wrong answers or losses, (seeds, images); row s of both has the same seed, column i the same image.

    Each draw takes seeds and images with replacement, the same ones for a and b. Few seeds have too few
    ways to be drawn: their spread is too small by sqrt(S / (S - 1)), S the number of seeds, for which it is
    widened, and its tails are too thin, wherefore interval and p are those of Student's t over the seeds'
    differences where these say less. One seed: images only, and the interval says nothing of training.
    """
    if a.shape != b.shape or a.ndim != 2 or a.size == 0:
        raise ValueError(f"paired_bootstrap: {a.shape} and {b.shape}: need two arrays (seeds, images) of one shape")
    d = a.astype(np.float32) - b.astype(np.float32)
    seeds, n = d.shape
    value = float(d.mean(dtype=np.float64))
    parts = np.array_split(_counts(n, draws, seed), -(-draws // 250))  # a few as floats at a time
    means = np.concatenate([part.astype(np.float32) @ d.T for part in parts]) / n  # (draws, seeds)
    chosen = np.random.default_rng([seed, 1]).integers(0, seeds, (draws, seeds))
    drawn = np.take_along_axis(means, chosen, axis=1).mean(1)
    drawn = value + (drawn - drawn.mean()) * (np.sqrt(seeds / (seeds - 1)) if seeds > 1 else 1.0)
    low, high = np.quantile(drawn, [0.025, 0.975])
    tail = min((drawn <= 0).mean(), (drawn >= 0).mean())
    half, p = _over_seeds(d.mean(1, dtype=np.float64)) if seeds > 1 else (0.0, 0.0)
    p = max(p, float(2 * tail), 1 / draws)
    return Difference(value, min(float(low), value - half), max(float(high), value + half), min(1.0, p))


def _over_seeds(means: np.ndarray) -> tuple[float, float]:
    """Half of the 95 % interval of their mean, and the p-value of a mean of 0, both by Student's t."""
    mean, error = float(means.mean()), float(means.std(ddof=1)) / math.sqrt(len(means))
    p = two_sided(mean / error, len(means) - 1) if error else float(mean == 0)
    return t95(len(means) - 1) * error, p


@lru_cache(maxsize=1)
def _counts(n: int, draws: int, seed: int) -> np.ndarray:
    """How often each of n images is drawn, (draws, n); kept, since comparisons come by the dozen: 20 MB for 10,000."""
    random = np.random.default_rng([seed, 0])
    return np.stack([np.bincount(random.integers(0, n, n), minlength=n).astype(np.uint8) for _ in range(draws)])
