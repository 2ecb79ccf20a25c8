"""How far a solved game is from an equilibrium: the duality gap, and Lemma 1 on measured risks."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from mvm.audit.checks.verdict import Check, judge


@dataclass(frozen=True)
class Risks:
    """Losses of each test image, (N,), for the four pairs of a solved game (u, v).

    own: f(u, v). attacked: f(u, v*(u)), v* the best attack found. answered: f(u*(v), v), u* the best
    defence found. clean: f(u, no attack).
    """

    own: np.ndarray
    attacked: np.ndarray
    answered: np.ndarray
    clean: np.ndarray


def difference(a: np.ndarray, b: np.ndarray, z: float = 1.959964) -> tuple[float, float, float]:
    """mean(a - b) and its 95 % interval over test images."""
    d = a.astype(np.float64) - b
    half = z * d.std(ddof=1) / np.sqrt(len(d)) if len(d) > 1 else np.inf
    return float(d.mean()), float(d.mean() - half), float(d.mean() + half)


def lemma1(risks: Risks) -> list[Check]:
    """E32: items 1, 3 and 5 of Lemma 1 hold on the measured risks, beyond 99.9 % intervals.

    1: f(u, v*(u)) >= f(u, v). 3: f(u*(v), v) <= f(u, v). 5: the gap is >= 0. Items 2 and 4 compare solved
    games with each other, which the grid's own cells do. A violation says that the inner solver found less
    than the game itself had: not that the lemma is wrong.
    """
    rules = [
        ("Lemma 1.1: the best attack found is weaker than the game's own", risks.attacked, risks.own),
        ("Lemma 1.3: the best defence found is weaker than the game's own", risks.own, risks.answered),
        ("Lemma 1.5: the duality gap is negative", risks.attacked, risks.answered),
    ]
    out = []
    for text, larger, smaller in rules:
        value, low, high = difference(larger, smaller, z=3.29)
        out.append(judge("E32", high < 0, text, difference=value, low=low, high=high))
    return out


def duality_gap(risks: Risks) -> dict[str, Any]:
    """max_v f(u, v) - min_u f(u, v), estimated by f(u, v*(u)) - f(u*(v), v), with its 95 % interval.

    Both best responses are found by training, so the first term is too small and the second too large: the
    estimate is a lower bound of the gap, up to the interval. 0 at an equilibrium.
    """
    value, low, high = difference(risks.attacked, risks.answered)
    means = {name: float(losses.mean()) for name, losses in asdict(risks).items()}
    return {"gap": value, "gap_low": low, "gap_high": high, "direction": "lower bound", **means}
