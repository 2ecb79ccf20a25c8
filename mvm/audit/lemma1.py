"""Lemma 1's five inequalities on measured risks: E32."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from mvm.audit.bootstrap import paired_bootstrap
from mvm.audit.checks.verdict import Check, judge
from mvm.audit.holm import holm

HOLDS, VIOLATED, CANNOT_SAY, NOT_RUN = "holds", "violated", "cannot say", "not run"
STATEMENTS = {
    "1.1": "f(u, v*(u)) >= f(u, v): the best attack found is no weaker than the games' own",
    "1.2": "f(u*, v*(u*)) <= f(u, v*(u)): the minimax defence has the lowest worst case",
    "1.3": "f(u*(v), v) <= f(u, v): the best defence found is no weaker than the games' own",
    "1.4": "f(u*(v*), v*) >= f(u*(v), v), and f(u*(v), v*) >= f(u*(v), v) as printed: the maximin attack leaves most",
    "1.5": "max_v min_u f <= min_u max_v f: maximin is below minimax, and no gap is negative",
}
Pair = tuple[str, str]  # the names of u and of v
Losses = dict[Pair, np.ndarray]  # f(u, v) of each test image, (N,)


@dataclass(frozen=True)
class Inequality:
    """An inequality of Lemma 1 between two pairs (u, v): f(larger) >= f(smaller).

    difference: f(larger) - f(smaller), with its 95 % interval by the paired bootstrap over images; p: of no
    difference, after Holm's correction over all inequalities of the set. verdict: holds or violated where that
    is below 0.05, else cannot say; not run where a solution is missing.
    """

    item: str
    larger: Pair | None = None
    smaller: Pair | None = None
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    verdict: str = NOT_RUN

    @property
    def text(self) -> str:
        if self.larger is None or self.smaller is None:
            return STATEMENTS[self.item]
        return f"f({', '.join(self.larger)}) >= f({', '.join(self.smaller)})"


def best(name: str) -> str:
    """v*(name) and u*(name): the name of the best response to a player of that name, on either side."""
    return f"best({name})"


def lemma1(kinds: dict[str, str], losses: Losses) -> list[Inequality]:
    """All inequalities among solved games {name: minimax, alt, maximin, ...}, judged together.

    losses: of each game's u against each game's v; of each u against best(u); of each best(v) against each v.
    1.2 needs a minimax run, 1.4 a maximin run, and both at least one other game.
    """
    asked = list(_inequalities(kinds))
    draws = max(2000, 100 * len(asked))  # so that p, which is 1 / draws at least, survives the correction
    found = [paired_bootstrap(losses[a][None], losses[b][None], draws=draws) for _, a, b in asked]
    out = []
    for (item, a, b), d, p in zip(asked, found, holm([d.p for d in found]), strict=True):
        verdict = CANNOT_SAY if p >= 0.05 else HOLDS if d.value > 0 else VIOLATED
        out.append(Inequality(item, a, b, d.value, d.low, d.high, p, verdict))
    missing = [Inequality(item) for item in STATEMENTS if item not in {i.item for i in out}]
    return sorted(out + missing, key=lambda i: i.item)


def _inequalities(kinds: dict[str, str]) -> Iterator[tuple[str, Pair, Pair]]:
    """(item, larger, smaller)."""
    for one in kinds:
        for other in kinds:
            yield "1.1", (one, best(one)), (one, other)
            yield "1.3", (other, one), (best(one), one)
        yield "1.5", (one, best(one)), (best(one), one)  # the gap of this pair
    for one in (name for name, kind in kinds.items() if kind == "minimax"):
        for other in (name for name in kinds if kinds[name] != "minimax"):
            yield "1.2", (other, best(other)), (one, best(one))
        for other in (name for name in kinds if kinds[name] == "maximin"):
            yield "1.5", (one, best(one)), (best(other), other)
    for one in (name for name, kind in kinds.items() if kind == "maximin"):
        for other in (name for name in kinds if kinds[name] != "maximin"):
            yield "1.4", (best(one), one), (best(other), other)
            yield "1.4", (best(other), one), (best(other), other)


def checks(inequalities: Sequence[Inequality]) -> list[Check]:
    """E32: no inequality is violated. Where one is, a solver found less than there was: the lemma itself is proven."""
    out = []
    for i in inequalities:
        if i.verdict != NOT_RUN:
            text = f"Lemma {i.item} violated, {i.text}: a solver found less than there was"
            bad = i.verdict == VIOLATED
            out.append(judge("E32", bad, text, difference=i.difference, low=i.low, high=i.high, p=i.p))
    return out
