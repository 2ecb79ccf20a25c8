"""The order of two attacks, as most rules want it."""

from typing import Any

import numpy as np

from mvm.audit.checks.verdict import Check, judge
from mvm.audit.paired import paired


def at_least(id: str, text: str, stronger: np.ndarray, weaker: np.ndarray, *, slack: float = 0.0, **more: Any) -> Check:
    """Fails if the stronger attack breaks fewer images than the weaker, beyond the paired interval and `slack`.

    A 99.9 % interval: many rules are tried on every grid, and none should strike by chance.
    """
    difference, low, high = paired(stronger, weaker, z=3.29)
    numbers = {"stronger": stronger.mean().item(), "weaker": weaker.mean().item(), "n": len(weaker)}
    return judge(id, high < -slack, text, difference=difference, low=low, high=high, **numbers, **more)
