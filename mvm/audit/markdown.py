"""A grid of cells for a page: `mvm.audit.table` as Markdown, with what it cost to train each defence."""

from collections.abc import Iterable, Iterator

from mvm.audit.cell import Cell
from mvm.audit.table import columns, show

Row = tuple[str, dict[str, Cell], float]  # defence, {attack: cell}, seconds of its training


def markdown(rows: Iterable[Row]) -> str:
    """The table. Numbers are test errors; a struck one is a bound, with its checks."""
    rows = list(rows)
    names = columns(cells for _, cells, _ in rows)
    head = ["defence", *names.values(), "training, s"]
    out = [line(head), line(["---"] * len(head))]
    for defence, cells, seconds in rows:
        out.append(line([defence, *(show(cells[n]) if n in cells else "" for n in names), f"{seconds:.0f}"]))
    return "\n".join(out)


def line(places: Iterable[str]) -> str:
    """A row of a table."""
    return f"| {' | '.join(places)} |"


def page(command: str, rows: Iterable[Row], found: Iterable[str]) -> str:
    """grid.md: the command, the table, and what the checks found."""
    return "\n".join(["# Grid", "", f"    {command}", "", markdown(rows), "", *_items(found), ""])


def _items(found: Iterable[str]) -> Iterator[str]:
    for one in found:
        yield f"- {one}"
