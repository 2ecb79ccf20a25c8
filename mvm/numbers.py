"""Settings that have to be numbers of a kind, or yes or no, checked where they are first met."""

import math
from numbers import Integral, Real
from typing import TypeGuard


def check_whole(**given: object) -> None:
    """ValueError for one that is not a whole number of at least 1: Hydra reads 1e4 as 10000.0."""
    for name, value in given.items():
        if not isinstance(value, Integral) or isinstance(value, bool) or value < 1:
            raise ValueError(f"{name}={value}: must be a whole number, 1 or more, without a point or an exponent")


def check_positive(**given: object) -> None:
    """ValueError for one that is not a positive number, as learning rates and steps have to be."""
    for name, value in given.items():
        if not number(value) or value <= 0:
            raise ValueError(f"{name}={value}: must be a positive number")


def number(value: object) -> TypeGuard[float]:
    """Whether it is a finite number: not text, nor yes or no."""
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)


def check_flags(**given: object) -> None:
    """ValueError for one that is not a bool: Hydra hands over `no` and `off` as text, which Python takes for true."""
    for name, value in given.items():
        if not isinstance(value, bool):
            raise ValueError(f"{name}={value}: must be true or false")
