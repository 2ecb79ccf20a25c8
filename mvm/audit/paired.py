"""The difference of two error rates on the same images."""

import math

import numpy as np


def paired(a: np.ndarray, b: np.ndarray, z: float = 1.959964) -> tuple[float, float, float]:
    """mean(a) - mean(b) with its 95 % interval, a and b the wrong answers, (N,) bool, on the same images.

    The interval is Wald's of the paired difference, with half an image added to each kind of
    disagreement, so that it is never empty. It covers the draw of test images, not seeds.
    """
    if a.shape != b.shape or a.size == 0:
        raise ValueError(f"paired: {a.shape} and {b.shape}: need the same images, one or more")
    more, less = int((a & ~b).sum()), int((~a & b).sum())
    return from_counts(more, less, a.size, z)


def from_counts(more: int, less: int, n: int, z: float = 1.959964) -> tuple[float, float, float]:
    """The same where a alone is wrong on `more` and b alone on `less` of n images."""
    half = z * math.sqrt(more + less + 1 - (more - less) ** 2 / n) / n
    difference = (more - less) / n
    return difference, difference - half, difference + half
