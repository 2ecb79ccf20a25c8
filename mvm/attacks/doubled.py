"""What the second half of an attack network's training changed, for its record: E11 judges it."""

from typing import Any

from torch import Tensor

Missed = tuple[int, Tensor]  # after so many iterations, which of the validation images were broken, (N,) bool


def doubled(half: Missed | None, end: Missed) -> dict[str, Any]:
    """{"doubled": ...}: iterations and validation errors at half of the training and at its end, [half, end]; n images;
    gained: those broken at the end and not at half, lost: the other way round. Empty where half is missing.
    """
    if half is None:
        return {}
    (i, before), (j, after) = half, end
    return {
        "doubled": {
            "iterations": [i, j],
            "val_errors": [int(m.sum()) / len(m) for m in (before, after)],
            "n": len(after),
            "gained": int((after & ~before).sum()),
            "lost": int((before & ~after).sum()),
        }
    }
