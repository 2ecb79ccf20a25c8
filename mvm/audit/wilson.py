"""The interval of one error rate."""

import math


def wilson(wrong: int, n: int, z: float = 1.959964) -> tuple[float, float]:
    """Wilson's 95 % score interval for a rate of `wrong` out of `n` images (Wilson, 1927).

    It covers the draw of test images only, not the seed of training.
    """
    if not 0 <= wrong <= n or n < 1:
        raise ValueError(f"wrong={wrong}, n={n}: need 0 <= wrong <= n and n >= 1")
    p = wrong / n
    centre = p + z * z / (2 * n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    return max(0.0, (centre - half) / scale), min(1.0, (centre + half) / scale)
