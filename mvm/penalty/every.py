"""The penalty at every n-th iteration only."""

from collections.abc import Callable


def every(n: int, gamma: float) -> Callable[[int], float]:
    """gamma of iteration 1, 2, ...: n * gamma at n, 2n, ..., else 0, which is gamma on average.

    The lazy regularisation of StyleGAN2 (Karras et al., 2020), for any form of the penalty but `carried`, which
    costs nothing to take always. ValueError unless n is a whole number, 1 or more.
    """
    if n < 1 or n != int(n):
        raise ValueError(f"every={n}: must be a whole number of iterations, 1 or more")
    return lambda i: n * gamma if i % n == 0 else 0.0
