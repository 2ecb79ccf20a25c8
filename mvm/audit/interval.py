"""The interval of an error rate over seeds and images."""

import math

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
