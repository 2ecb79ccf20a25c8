"""The interval of an error rate over seeds and images."""

import math

import numpy as np

from mvm.audit.student import t95
from mvm.audit.wilson import wilson


def interval(errors: list[float], n: int) -> tuple[float, float]:
    """95 % interval of the mean error of several seeds, each on the same n images.

    Wilson's for the draw of images, Student's t for the draw of seeds; the lower of the two lower and
    the higher of the two upper ends. One seed says nothing about seeds: Wilson's alone.
    """
    mean = sum(errors) / len(errors)
    low, high = wilson(round(mean * n), n)
    if len(errors) > 1:
        half = t95(len(errors) - 1) * float(np.std(errors, ddof=1)) / math.sqrt(len(errors))
        low, high = min(low, mean - half), max(high, mean + half)
    return max(0.0, low), min(1.0, high)
