"""Student's t."""

import math

# 97.5 % points for 1, 2, ... degrees of freedom; further on the normal's
T = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131)


def t95(freedom: int) -> float:
    """How many standard errors the 95 % interval of a mean reaches to either side."""
    return T[freedom - 1] if freedom <= len(T) else 1.96


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
