"""The penalty at every n-th iteration only."""

from collections.abc import Callable

from mvm.numbers import check_whole


def every(n: int, gamma: float) -> Callable[[int], float]:
    """gamma of iteration 1, 2, ...: n * gamma at n, 2n, ..., else 0, which is gamma on average.

    The lazy regularisation of StyleGAN2 (Karras et al., 2020), for any form of the penalty but `carried`, which
    costs nothing to take always. ValueError unless n is a whole number, 1 or more.
    """
    check_whole(every=n)
    return lambda i: n * gamma if i % n == 0 else 0.0
