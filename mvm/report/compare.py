"""One comparison of a claim: a defence under an attack against another, or against a number."""

import json
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from mvm.audit.bootstrap import paired_bootstrap
from mvm.audit.checks.verdict import FAIL, struck
from mvm.paper import read
from mvm.report.kind import attack_of
from mvm.report.records import Entry, Score, of_data

Pool = dict[tuple[str, str, float, str], dict[int, Score]]  # (family, game, eta, attack) -> seed -> score
BEST = {"attnet_curr": "attnet_best"}  # the attacker to judge by again


@dataclass(frozen=True)
class Compared:
    """left's error - right's, paired over seeds and images, with its 95 % interval; p: that it is the margin.

    A score that a check struck is a lower bound: where the smaller one is, the difference shows nothing, and p is 1.
    fits: whether the difference is on the claim's side of the margin. cautions: what to know before believing it.
    """

    text: str
    difference: float
    low: float
    high: float
    margin: float
    p: float
    seeds: int
    fits: bool
    cautions: tuple[str, ...]


def pool_of(entries: list[Entry]) -> Pool:
    """The scores to judge by, of all tables together."""
    pool: Pool = {}
    for family in ("mnist", "cifar10"):
        for entry in of_data(entries, family):
            for name, score in entry.scores.items():
                if score.wrong is not None:
                    pool.setdefault((family, entry.game, entry.eta, name), {})[entry.seed] = score
    return pool


def compare(pair: dict[str, Any], family: str, eta: float, pool: Pool, best: bool, draws: int) -> Compared | None:
    """A pair of mvm/paper/claims.yaml at an eta; None where a score is missing. best: by the best response.

    Seeds are compared that both sides have, and that were scored on the same images.
    """
    sides = [_scores(pair[side], family, eta, pool, best) for side in ("left", "right")]
    fixed = not isinstance(pair["right"], list)
    seeds = _common(sides[:1] if fixed else sides)
    if not seeds:
        return None
    a = _wrong(sides[0], seeds)
    b = np.full_like(a, pair["right"]) if fixed else _wrong(sides[1], seeds)
    margin = pair.get("by", 0.0)
    found = paired_bootstrap(a, b + np.float32(margin), draws=draws)
    return Compared(
        text=describe(pair, best),
        difference=round(found.value + margin, 6),  # the last digits differ between processors
        low=round(found.low + margin, 6),
        high=round(found.high + margin, 6),
        margin=margin,
        p=1.0 if _struck(sides[found.value > 0], seeds) else found.p,
        seeds=len(seeds),
        fits=found.value > 0 if pair["than"] == "above" else found.value < 0,
        cautions=tuple(_cautions(pair, sides, seeds, best)),
    )


def describe(pair: dict[str, Any], best: bool = False) -> str:
    """Minimax against AttNet-curr below Alt against AttNet-curr (+ the margin)."""
    by = pair.get("by", 0)
    margin = f" {'+' if by > 0 else '-'} {abs(by):g}" if by else ""
    return f"{_name(pair['left'], best)} {pair['than']} {_name(pair['right'], best)}{margin}"


def _name(side: Any, best: bool) -> str:
    if not isinstance(side, list):
        return f"{side:g}"
    names = read("names")
    return (
        f"{names['defenses'][side[0]]['label']} against {(names['attacks'] | names['plus'])[_key(side, best)]['label']}"
    )


def _key(side: list[str], best: bool) -> str:
    return BEST.get(side[1], side[1]) if best else side[1]


def _scores(side: Any, family: str, eta: float, pool: Pool, best: bool) -> dict[int, Score]:
    if not isinstance(side, list):
        return {}
    names = read("names")
    attack = (names["attacks"] | names["plus"])[_key(side, best)]["attack"]
    return pool.get((family, names["defenses"][side[0]]["game"], eta, attack), {})


def _wrong(side: dict[int, Score], seeds: list[int]) -> np.ndarray:
    """(seeds, images) float"""
    return np.stack([np.asarray(side[seed].wrong, np.float32) for seed in seeds])


def _common(sides: list[dict[int, Score]]) -> list[int]:
    """The seeds that all sides have, scored on the same images; if some were on others, the most that were not."""
    images = {seed: {side[seed].examples for side in sides} for seed in sides[0] if all(seed in s for s in sides)}
    same = {seed: next(iter(found)) for seed, found in images.items() if len(found) == 1}
    usual = Counter(same.values()).most_common(1)
    return sorted(seed for seed, found in same.items() if found == usual[0][0])


def _struck(side: dict[int, Score], seeds: list[int]) -> bool:
    return any(struck(side[seed].checks) for seed in seeds if seed in side)


def _cautions(pair: dict[str, Any], sides: list[dict[int, Score]], seeds: list[int], best: bool) -> list[str]:
    """The checks that a compared score did not pass; not the control that is missing (E22), which is no matter here.

    And whether one attack was made with other settings on either side.
    """
    found = set()
    if len({score.attack for side in sides for score in side.values()}) == 1:
        made = {json.dumps(attack_of(side[seed]), sort_keys=True) for side in sides for seed in seeds if seed in side}
        if len(made) > 1:
            found.add(f"≠ the attack's settings are not the same on both sides: {_name(pair['left'], best)}")
    for side, scores in zip((pair["left"], pair["right"]), sides, strict=True):
        for check in (c for seed in seeds if seed in scores for c in scores[seed].checks if c.id != "E22"):
            mark = "!" if check.verdict == FAIL else ""
            found.add(f"{check.id}{mark} {check.text}: {_name(side, best)}")
    return sorted(found)
