"""Settings that have to be numbers of a kind, checked where they are first met."""

import math
from numbers import Integral, Real


def check_whole(**given: object) -> None:
    """ValueError for one that is not a whole number of at least 1: Hydra reads 1e4 as 10000.0."""
    for name, value in given.items():
        if not isinstance(value, Integral) or isinstance(value, bool) or value < 1:
            raise ValueError(f"{name}={value}: must be a whole number, 1 or more, without a point or an exponent")


def check_rates(**rates: object) -> None:
    """ValueError for a learning rate that is not a positive number."""
    for name, value in rates.items():
        if not (isinstance(value, Real) and not isinstance(value, bool) and 0 < float(value) < math.inf):
            raise ValueError(f"{name}={value}: a learning rate must be a positive number")
