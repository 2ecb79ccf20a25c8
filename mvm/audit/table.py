"""A grid of cells for people: one line a defence, one column an attack."""

from collections.abc import Iterable

from rich.markup import escape
from rich.table import Table

from mvm.audit.cell import Cell
from mvm.audit.checks.verdict import bound


def table(rows: Iterable[tuple[str, dict[str, Cell]]]) -> Table:
    """rows: (defence, {attack: cell}). The numbers are test errors; [box] marks images kept in [-1, 1].

    A cell that a check has struck (`struck`, the ids) is shown as a bound: >=0.0123 E08.
    """
    rows = list(rows)
    names = columns(cells for _, cells in rows)
    out = Table()
    out.add_column("test error", no_wrap=True)
    for title in names.values():
        out.add_column(escape(title), justify="right")
    for defence, cells in rows:
        out.add_row(defence, *(show(cells[name]) if name in cells else "" for name in names))
    return out


def columns(rows: Iterable[dict[str, Cell]]) -> dict[str, str]:
    """{attack: title of its column}; [box] where it keeps images in the box."""
    titles: dict[str, str] = {}
    for cells in rows:
        for name, cell in cells.items():
            boxed = cell["box"] or titles.get(name, name) != name
            titles[name] = f"{name} [box]" if boxed else name
    return titles


def show(cell: Cell) -> str:
    """The error, or the bound and the checks that it failed: never a plain number then."""
    return bound(cell["error"], cell.get("struck") or ("E01" if "infeasible" in cell else ""))
