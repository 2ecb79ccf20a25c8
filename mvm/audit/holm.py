"""Many claims tested at once."""

from collections.abc import Sequence


def holm(p: Sequence[float]) -> list[float]:
    """Holm's adjusted p-values (Holm, 1979), in the order given: reject those below 0.05 and, of all the claims
    that are false, a true one is rejected anywhere with probability 0.05 at most."""
    if not all(0 <= value <= 1 for value in p):
        raise ValueError(f"p={list(p)}: p-values must lie in [0, 1]")
    adjusted, largest = [0.0] * len(p), 0.0
    for rank, k in enumerate(sorted(range(len(p)), key=lambda k: p[k])):
        largest = max(largest, min(1.0, (len(p) - rank) * p[k]))
        adjusted[k] = largest
    return adjusted
