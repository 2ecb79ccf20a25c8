"""The paper's claims judged by our scores, one verdict an eta."""

from dataclasses import dataclass, replace
from typing import Any

from mvm.audit.holm import holm
from mvm.paper import read
from mvm.report.compare import BEST, Compared, Pool, compare, pool_of
from mvm.report.records import Entry

SUPPORTED, CONTRADICTED, INCONCLUSIVE, NOT_RUN = "supported", "contradicted", "inconclusive", "not run"
PRINTED, BY_BEST = "printed", "best"  # the attacker: the paper's, or AttNet-curr replaced by the best response
LEVEL = 0.05
RULE = (  # for readers of the report
    "A verdict is about the paired difference of test errors over seeds and images, and on which side of 0, or of the "
    "claim's margin, it lies: supported or contradicted where its p-value, after Holm's correction over all claims and "
    "η with the same attacker, is below 0.05; else inconclusive, leaning for or against it if p is below 0.05 without "
    "the correction. p is the larger of the hierarchical bootstrap's and that of Student's t over seeds: three seeds "
    "settle large differences only, and with one seed a verdict is about those networks alone. The interval beside it "
    "is the plain 95 % one. A claim of several comparisons is supported if all of them hold; shown is the one that "
    "decides. A score that a check struck is a lower bound: it can be too large for a claim, never small enough. "
    "best: AttNet-curr replaced by the best response."
)


@dataclass(frozen=True)
class Verdict:
    """What our scores say of a claim at an eta.

    supported, contradicted or inconclusive, by p: of no difference, after Holm's correction over all verdicts with
    the same attacker. leans: for or against, where only the correction makes it inconclusive. not run: a score is
    missing. difference (left - right) with its own 95 % interval,
    uncorrected, and the margin it is held to: of the pair that decides; pairs: all that the claim compares.
    """

    claim: str
    eta: float
    attacker: str
    verdict: str = NOT_RUN
    p: float | None = None
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    margin: float = 0.0
    leans: str = ""
    seeds: int = 0
    pairs: tuple[Compared, ...] = ()
    cautions: tuple[str, ...] = ()


def judge(entries: list[Entry]) -> list[Verdict]:
    """Every claim of the paper at every eta it is made for, as printed and, where it concerns AttNet, by the best."""
    pool = pool_of(entries)
    asked = [(claim, eta) for claim in read("claims") for eta in claim["etas"]]
    families = {PRINTED: asked, BY_BEST: [(claim, eta) for claim, eta in asked if _of_attnet(claim)]}
    draws = max(2000, 100 * len(asked))  # so that p, 1 / draws at least, survives the correction, of four pairs too
    out = []
    for attacker, family in families.items():
        out += corrected([_found(claim, eta, pool, attacker, draws) for claim, eta in family])
    return out


def corrected(family: list[tuple[Verdict, bool]]) -> list[Verdict]:
    """The verdicts of (verdict with its own p, whether it goes the claim's way), judged together."""
    tested = [(k, v.p) for k, (v, _) in enumerate(family) if v.p is not None]
    out = [verdict for verdict, _ in family]
    for (k, _), p in zip(tested, holm([p for _, p in tested]), strict=True):
        before, fits = family[k]
        told = INCONCLUSIVE if p >= LEVEL else SUPPORTED if fits else CONTRADICTED
        leans = told == INCONCLUSIVE and before.p is not None and before.p < LEVEL
        out[k] = replace(before, p=p, verdict=told, leans=("for" if fits else "against") if leans else "")
    return out


def _found(claim: dict[str, Any], eta: float, pool: Pool, attacker: str, draws: int) -> tuple[Verdict, bool]:
    """The verdict before the correction. A claim of several pairs is as likely as the least likely of them; it is
    contradicted by any of them, which is as likely as chance makes it in so many tries."""
    pairs = [compare(pair, claim["data"], eta, pool, attacker == BY_BEST, draws) for pair in claim["pairs"]]
    blank = Verdict(claim["id"], eta, attacker)
    found = [pair for pair in pairs if pair is not None]
    if len(found) < len(pairs):
        return blank, False
    against = [pair for pair in found if not pair.fits]

    def size(pair: Compared) -> tuple[float, float]:
        return pair.p, -abs(pair.difference - pair.margin)

    decides = min(against, key=size) if against else max(found, key=size)
    verdict = replace(
        blank,
        p=min(1.0, decides.p * (len(found) if against else 1)),
        difference=decides.difference,
        low=decides.low,
        high=decides.high,
        margin=decides.margin,
        seeds=decides.seeds,
        pairs=tuple(found),
        cautions=tuple(dict.fromkeys(caution for pair in found for caution in pair.cautions)),
    )
    return verdict, not against


def _of_attnet(claim: dict[str, Any]) -> bool:
    sides = [pair[side] for pair in claim["pairs"] for side in ("left", "right")]
    return any(isinstance(side, list) and side[1] in BEST for side in sides)
