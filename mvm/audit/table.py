"""A grid of cells for people: one line a defence, one column an attack."""

from collections.abc import Iterable

from rich.table import Table

from mvm.audit.score import Cell


def table(rows: Iterable[tuple[str, dict[str, Cell]]]) -> Table:
    """rows: (defence, {attack: cell}). The numbers are test errors; [box] marks images kept in [-1, 1]."""
    rows = list(rows)
    attacks = list(dict.fromkeys(name for _, cells in rows for name in cells))
    boxed = {name: any(cells[name]["box"] for _, cells in rows if name in cells) for name in attacks}
    out = Table()
    out.add_column("test error", no_wrap=True)
    for name in attacks:
        out.add_column(name + (" \\[box]" if boxed[name] else ""), justify="right")
    for defence, cells in rows:
        out.add_row(defence, *(f"{cells[name]['error']:.4f}" if name in cells else "" for name in attacks))
    return out
