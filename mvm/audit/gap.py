"""How far a solved game is from an equilibrium: the duality gap."""

from typing import Any

import numpy as np

from mvm.audit.bootstrap import paired_bootstrap


def duality_gap(attacked: np.ndarray, answered: np.ndarray) -> dict[str, Any]:
    """max_v f(u, v) - min_u f(u, v) of a pair (u, v), estimated by f(u, v*(u)) - f(u*(v), v); its 95 % interval.

    attacked: the losses (N,) of the test images for u and the best attack found, v*(u); answered: for the best
    defence found, u*(v), and v. On the risk of these images any v*(u) gives too little and any u*(v) too much,
    however they were found: the estimate is a lower bound of the gap. 0 at an equilibrium.
    """
    found = paired_bootstrap(attacked[None], answered[None])
    return {"gap": found.value, "gap_low": found.low, "gap_high": found.high, "direction": "lower bound"}
