"""Tables as Markdown, and every cell as a line of cells.csv."""

import csv
from collections.abc import Collection
from dataclasses import asdict
from pathlib import Path

from mvm.audit.checks.verdict import bound
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
        places = [place(cell, table.everywhere) for cell in cells]
        lines.append(f"| {' | '.join([*first, *places])} |")
    return "\n".join([*lines, "", *_legend(table), ""])


def place(cell: Cell | None, everywhere: Collection[str] = ()) -> str:
    """What stands in one place of a table. everywhere: badges that the legend tells once for all."""
    if cell is None:
        return ""
    ours = "not run"
    if cell.ours is not None and cell.struck:
        ours = bound(cell.ours, cell.struck, 3)
    elif cell.ours is not None:
        badges = " ".join(["", *(id for id in cell.badges if id not in everywhere)])
        ours = f"{cell.ours:.3f} [{cell.low:.3f}, {cell.high:.3f}]{badges}"
    return ours + ("" if _paper(cell) is None else f"<br>paper {_paper(cell)}")


def _paper(cell: Cell) -> str | None:
    if cell.paper is not None:
        return f"{cell.paper:.3f}"
    return "illegible" if cell.note.startswith("illegible") else None


def _legend(table: Table) -> list[str]:
    out = [
        "Test error, with its 95 % interval: Wilson's over the images, widened by Student's t over seeds where "
        "there are several; one seed's is for the images drawn, not for another training. ⁺ a column that the paper "
        "does not have. >=: a check struck the number, which is a bound only; E..: a check that warns. What they say "
        "of each cell is in cells.csv."
    ]
    if made(table):
        out += [made(table), *findings(table)]
    if table.contradictions:
        out += ["The paper's numbers disagree here:", *(f"- {line}" for line in table.contradictions)]
    lines: list[str] = []
    for part in out:
        listed = part.startswith("- ")
        lines += [*([] if listed or not lines or not lines[-1] else [""]), part, *([] if listed else [""])]
    return lines


def findings(table: Table) -> list[str]:
    """What the checks found in a table, and what was not tried."""
    out = []
    if table.everywhere:
        out.append(f"At every cell: {', '.join(sorted(table.everywhere))}.")
    if table.unprobed:
        out.append(
            f"{len(table.unprobed)} of its runs are judged by their records alone; the rules that need the classifier "
            "are tried by mvm.evaluate."
        )
    said = [f"- {line}" for line in table.said]
    return [*out, "The checks say:", *said] if said else out


def write_cells(path: Path, tables: list[Table], profile: str) -> None:
    """cells.csv: a line a cell, those that were not run too."""
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        for table in tables:
            for cell in table.cells.values():
                writer.writerow({"table": table.name, "profile": profile, **_line(cell)})


def _line(cell: Cell) -> dict[str, object]:
    """A struck number is a bound here, too; the checks stand in a column of their own."""
    line = asdict(cell) | {"difference": None if cell.difference is None else round(cell.difference, 4)}
    del line["struck"], line["badges"]
    for key in ("ours", "low", "high"):
        line[key] = None if line[key] is None else round(line[key], 4)
    if cell.ours is not None and cell.struck:
        line |= {"ours": f">={cell.ours:.4f}", "low": None, "high": None}  # no interval of what is a bound
    for key in ("seeds", "checks", "runs"):
        line[key] = "; ".join(map(str, line[key]))
    return line
