"""What the training curve shows: E16."""

from collections.abc import Sequence
from typing import Any

from mvm.audit.checks.verdict import WARN, Check, judge

Row = dict[str, float]  # of history.csv


def overfitting(history: Sequence[Row]) -> Check | None:
    """E16: catastrophic overfitting, after which a defender resists the attack it is trained on and no other.

    After PGD's best checkpoint the accuracy under PGD (`val_pgd_error`) falls below half, while that under
    the game's own attack (`val_error`) rises: by 10 points, or by half of what is left to 1. Where PGD's
    accuracy never was 10 % there is nothing to fall from. None for games whose curve has no PGD on it.
    """
    rows = [row for row in history if "val_pgd_error" in row and "val_error" in row]
    if not rows:
        return None
    best, before = 0.0, 0.0
    at: dict[str, Any] = {}
    for row in rows:
        pgd, own = 1 - row["val_pgd_error"], 1 - row["val_error"]
        if pgd >= best:
            best, before = pgd, own
        elif best >= 0.1 and pgd < best / 2 and own - before > min(0.1, (1 - before) / 2):
            at = {"iteration": row["iteration"], "pgd": pgd, "own": own, "own_before": before}
            break
    text = "catastrophic overfitting: PGD's accuracy fell by half while the game's own attack lost its hold"
    return judge("E16", bool(at), text, verdict=WARN, best_pgd=best, **at)
