"""The paper's claims judged by our scores, one verdict an eta."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from mvm.audit.bootstrap import paired_bootstrap
from mvm.paper import read
from mvm.report.records import Entry, Score, of_data

Pool = dict[tuple[str, str, float, str], dict[int, Score]]  # (family, game, eta, attack) -> seed -> score
BEST = {"attnet_curr": "attnet_best"}  # the attacker to judge by again


@dataclass(frozen=True)
class Verdict:
    """supported, contradicted, inconclusive (the 95 % interval of left - right holds 0) or not run."""

    claim: str
    eta: float
    attacker: str  # "printed", or "best": AttNet-curr replaced by the best response
    verdict: str
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    seeds: int = 0


def judge(entries: list[Entry]) -> list[Verdict]:
    """Every claim of the paper at every eta it is made for, as printed and, where it concerns AttNet, by the best."""
    pool = _pool(entries)
    out = []
    for claim in read("claims"):
        attacks = {part[1] for part in (claim["left"], claim["right"]) if isinstance(part, list)}
        for eta in claim["etas"]:
            out.append(_verdict(claim, eta, pool, "printed"))
            if attacks & BEST.keys():
                out.append(_verdict(claim, eta, pool, "best"))
    return out


def _pool(entries: list[Entry]) -> Pool:
    pool: Pool = {}
    for family in ("mnist", "cifar10"):
        for entry in of_data(entries, family):
            for name, score in entry.scores.items():
                if score.wrong is not None:
                    pool.setdefault((family, entry.game, entry.eta, name), {})[entry.seed] = score
    return pool


def _verdict(claim: dict[str, Any], eta: float, pool: Pool, attacker: str) -> Verdict:
    left, right = (_side(claim[side], claim["data"], eta, pool, attacker) for side in ("left", "right"))
    missing = Verdict(claim=claim["id"], eta=eta, attacker=attacker, verdict="not run")
    if left is None or right is None:
        return missing
    seeds = sorted(left if not isinstance(right, dict) else left.keys() & right.keys())
    if not seeds:
        return missing
    a = np.stack([left[seed].wrong for seed in seeds])
    b = np.stack([right[seed].wrong for seed in seeds]) if isinstance(right, dict) else np.full(a.shape, right)
    d, low, high, _ = paired_bootstrap(a, b)
    sign = 1 if claim["than"] == "above" else -1
    verdict = "inconclusive"
    if low > 0 or high < 0:
        verdict = "supported" if sign * d > 0 else "contradicted"
    return Verdict(claim["id"], eta, attacker, verdict, d, low, high, len(seeds))


def _side(side: Any, family: str, eta: float, pool: Pool, attacker: str) -> Any:
    """{seed: score} of a (defense, attack); a number as it is; None where nothing was run."""
    if not isinstance(side, list):
        return float(side)
    names = read("names")
    defense, attack = side
    key = BEST.get(attack, attack) if attacker == "best" else attack
    game, kind = names["defenses"][defense]["game"], (names["attacks"] | names["plus"])[key]["attack"]
    return pool.get((family, game, eta, kind))
