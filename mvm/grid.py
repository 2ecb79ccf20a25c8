"""The lines of a grid with what the checks say of them, and the checks that need several lines."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from mvm.audit.cell import Cell
from mvm.audit.checks.grid import seeds
from mvm.audit.checks.verdict import FAIL, PASS, Check, of_cell, struck
from mvm.audit.checks.worst import NAME, pointwise, worst_case
from mvm.record import but_for_seed, fingerprint, name_of


@dataclass
class Line:
    """One run, by the name of its folder: its cells {attack: cell} at this eta, and the checks on it."""

    run: str
    config: dict[str, Any]
    eta: float
    cells: dict[str, Cell]
    checks: list[Check]

    @property
    def data(self) -> str:
        return name_of(self.config["data"])

    @property
    def kind(self) -> tuple[str, float]:
        """What only the seed tells apart."""
        return fingerprint(but_for_seed(self.config)), self.eta

    @property
    def title(self) -> str:
        return f"{self.data} {name_of(self.config['game'])} eta{self.eta:g} seed{self.config['seed']}"

    def with_worst(self) -> "Line":
        """The line with one more cell: what any of its attacks breaks, image by image (E21)."""
        worst = worst_case(self.cells)
        if worst is None:
            return self
        checks = [*self.checks, pointwise(self.cells, worst)]
        return replace(self, cells=self.cells | {NAME: worst}, checks=checks)

    def marked(self) -> dict[str, Cell]:
        """The cells, those struck with the ids of the checks that they failed."""
        out = {}
        for name, cell in self.cells.items():
            out[name] = cell | {"struck": struck(of_cell(self.checks, name))}
        return out


def add_grid_checks(lines: list[Line]) -> None:
    """E30, the seeds of each kind of run; and E25."""
    seen: dict[tuple[str, float], set[int]] = {}
    for line in lines:
        seen.setdefault(line.kind, set()).add(line.config["seed"])
    for line in lines:
        line.checks.append(seeds(len(seen[line.kind])))
    add_broken_twins(lines)


def add_broken_twins(lines: list[Line]) -> None:
    """E25: an undefended net that PGD does not break strikes its data set."""
    broken = {line.data: c for line in lines for c in line.checks if c.id == "E25" and c.verdict == FAIL}
    for line in lines:
        twin = broken.get(line.data)
        if twin and twin not in line.checks:
            line.checks.append(twin)


def findings(lines: list[Line]) -> Iterator[str]:
    """A line of text for every check that did not pass, equal ones together."""
    where: dict[tuple[str, str, str], list[str]] = {}
    for line in lines:
        for check in line.checks:
            if check.verdict != PASS:
                cell = line.title + (f" / {check.attack}" if check.attack else "")
                where.setdefault((check.verdict, check.id, check.text), []).append(cell)
    for (verdict, id, text), places in sorted(where.items()):
        more = f" and {len(places) - 3} more" if len(places) > 3 else ""
        yield f"{verdict} {id}: {text} ({', '.join(places[:3])}{more})"
