"""What a check says."""

from dataclasses import asdict, dataclass, field
from typing import Any

PASS, WARN, FAIL = "pass", "warn", "fail"


@dataclass(frozen=True)
class Check:
    """id: E01 ...; verdict: pass, warn or fail; text: what was found; numbers: what it was found from.

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
    return [c for c in checks if c.verdict != PASS and c.attack in (None, attack)]


def badges(checks: list[Check]) -> str:
    """E05! E30: ids in order, fails marked."""
    worst: dict[str, str] = {}
    for check in checks:
        worst[check.id] = FAIL if FAIL in (check.verdict, worst.get(check.id)) else check.verdict
    return " ".join(id + ("!" if worst[id] == FAIL else "") for id in sorted(worst))
