"""What a check says."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

PASS, WARN, FAIL = "pass", "warn", "fail"
NOT_TRIED = "not tried"  # for want of something; neither good nor bad


@dataclass(frozen=True)
class Check:
    """id: E01 ...; verdict: pass, warn, fail or not tried; text: what was found; numbers: what it was found from.

    attack: the cell that it is about; None: everything that was measured on this defender.
    """

    id: str
    verdict: str
    text: str
    numbers: dict[str, Any] = field(default_factory=dict)
    attack: str | None = None

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def judge(id: str, bad: bool, text: str, *, verdict: str = FAIL, attack: str | None = None, **numbers: Any) -> Check:
    """A check that is `verdict` (fail or warn) if it went badly, else pass."""
    return Check(id, verdict if bad else PASS, text, numbers, attack)


def of_cell(checks: list[Check], attack: str) -> list[Check]:
    """The fails and warnings that concern a cell: its own, and those of its defender."""
    return [c for c in not_passed(checks) if c.attack in (None, attack)]


def not_passed(checks: Iterable[Check]) -> list[Check]:
    """The fails and warnings."""
    return [c for c in checks if c.verdict in (WARN, FAIL)]


def struck(checks: Iterable[Check]) -> str:
    """E05 E08: the ids of the failed ones, in order; empty where nothing strikes the cell."""
    return " ".join(sorted({c.id for c in checks if c.verdict == FAIL}))


def bound(error: float, struck: str, digits: int = 4) -> str:
    """An error as people read it; of a struck cell, the bound and the checks that it failed, never a plain number."""
    return f">={error:.{digits}f} {struck}" if struck else f"{error:.{digits}f}"


def badges(checks: list[Check]) -> str:
    """E05! E30: ids in order, fails marked."""
    worst: dict[str, str] = {}
    for check in checks:
        worst[check.id] = FAIL if FAIL in (check.verdict, worst.get(check.id)) else check.verdict
    return " ".join(id + ("!" if worst[id] == FAIL else "") for id in sorted(worst))
