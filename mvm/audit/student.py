"""Student's t."""

import math


def t95(freedom: int) -> float:
    """How many standard errors the 95 % interval of a mean reaches to either side: `two_sided` of it is 0.05."""
    low, high = 1.9, 12.8  # from the normal distribution's to that of one degree of freedom
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if two_sided(middle, freedom) > 0.05 else (low, middle)
    return low


def two_sided(t: float, freedom: int) -> float:
    """The probability of |T| >= |t| for a whole number of degrees of freedom (Abramowitz and Stegun, 26.7.3-4)."""
    if math.isinf(t):
        return 0.0
    angle = math.atan(abs(t) / math.sqrt(freedom))
    odd = freedom % 2
    term = math.cos(angle) if odd else 1.0
    total = 0.0
    for k in range(freedom // 2):
        total += term
        term *= math.cos(angle) ** 2 * (2 * k + 1 + odd) / (2 * k + 2 + odd)
    inside = math.sin(angle) * total
    return max(0.0, 1 - (2 / math.pi * (angle + inside) if odd else inside))
