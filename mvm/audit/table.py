"""A grid of cells for people: one line a defence, one column an attack."""

from collections.abc import Iterable

from rich.table import Table

from mvm.audit.cell import Cell
from mvm.audit.checks.verdict import bound


def table(rows: Iterable[tuple[str, dict[str, Cell]]]) -> Table:
    """rows: (defence, {attack: cell}). The numbers are test errors; [box] marks images kept in [-1, 1].

    A cell that a check has struck (`struck`, the ids) is shown as a bound: >=0.0123 E08.
    """
    rows = list(rows)
    attacks = list(dict.fromkeys(name for _, cells in rows for name in cells))
    boxed = {name: any(cells[name]["box"] for _, cells in rows if name in cells) for name in attacks}
    out = Table()
    out.add_column("test error", no_wrap=True)
    for name in attacks:
        out.add_column(name + (" \\[box]" if boxed[name] else ""), justify="right")
    for defence, cells in rows:
        out.add_row(defence, *(show(cells[name]) if name in cells else "" for name in attacks))
    return out


def show(cell: Cell) -> str:
    """The error, or the bound and the checks that it failed: never a plain number then."""
    return bound(cell["error"], cell.get("struck") or ("E01" if "infeasible" in cell else ""))
