"""Tables as Markdown, and every cell as a line of cells.csv."""

import csv
from dataclasses import asdict
from pathlib import Path

from mvm.paper import read
from mvm.report.tables import Cell, Table, made

COLUMNS = (
    *("table", "defense", "attack", "eta", "ours", "low", "high", "n", "seeds", "profile", "data"),
    *("paper", "difference", "checks", "note", "runs", "command"),
)


def markdown(table: Table, profile: str) -> str:
    """A pipe table: ours with its 95 % interval, and under it the paper's number."""
    plus = read("names")["plus"]
    head = ["η", "Defense", *(table.labels[a] + (" ⁺" if a in plus else "") for a in table.columns)]
    lines = [
        f"# {table.name.replace('table', 'Table ')}, {table.family}",
        "",
        f"{table.caption}. Profile `{profile}`.",
        "",
    ]
    lines += [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    for defense, eta in table.rows:
        cells = [table.cells.get((defense, eta, attack)) for attack in table.columns]
        first = [f"{eta:g}" if eta is not None else "any", table.labels[defense]]
        lines.append(f"| {' | '.join([*first, *map(place, cells)])} |")
    return "\n".join([*lines, "", *_legend(table), ""])


def place(cell: Cell | None) -> str:
    """What stands in one place of a table."""
    if cell is None:
        return ""
    mark = "\\*" if any("one class" in check or "weak" in check for check in cell.checks) else ""
    ours = "not run" if cell.ours is None else f"{cell.ours:.3f}{mark} [{cell.low:.3f}, {cell.high:.3f}]"
    return ours + ("" if _paper(cell) is None else f"<br>paper {_paper(cell)}")


def _paper(cell: Cell) -> str | None:
    if cell.paper is not None:
        return f"{cell.paper:.3f}"
    return "illegible" if cell.note.startswith("illegible") else None


def _legend(table: Table) -> list[str]:
    out = [
        "Test error, with its 95 % interval: Wilson's over the images, widened by Student's t over seeds where "
        "there are several. ⁺ a column that the paper does not have. \\* see `checks` in cells.csv: one class is "
        "answered almost everywhere, or the attacker was weak."
    ]
    if made(table):
        out.append(made(table))
    if table.contradictions:
        out += ["The paper's numbers disagree here:", *(f"- {line}" for line in table.contradictions)]
    return [line for part in out for line in ([part] if part.startswith("- ") else [part, ""])]


def write_cells(path: Path, tables: list[Table], profile: str) -> None:
    """cells.csv: a line a cell, those that were not run too."""
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        for table in tables:
            for cell in table.cells.values():
                writer.writerow({"table": table.name, "profile": profile, **_line(cell)})


def _line(cell: Cell) -> dict[str, object]:
    line = asdict(cell) | {"difference": None if cell.difference is None else round(cell.difference, 4)}
    for key in ("ours", "low", "high"):
        line[key] = None if line[key] is None else round(line[key], 4)
    for key in ("seeds", "checks", "runs"):
        line[key] = "; ".join(map(str, line[key]))
    return line
