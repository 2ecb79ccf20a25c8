"""The report's files."""

from pathlib import Path

from mvm.paper import read
from mvm.report.claims import judge
from mvm.report.records import read_entries
from mvm.report.tables import fill
from mvm.report.text import markdown, write_cells


def write_report(outputs: Path, profile: str, to: Path) -> Path:
    """Write table1.md ... table10.md, cells.csv, claims.md, the figures and index.html into `to`; returns the page."""
    exhibits = read_entries(outputs, profile)
    everything = [entry for entries in exhibits.values() for entry in entries]
    to.mkdir(parents=True, exist_ok=True)
    tables = [fill(name, exhibits.get(name, [])) for name in read("tables")]
    for table in tables:
        (to / f"{table.name}.md").write_text(markdown(table, profile))
    write_cells(to / "cells.csv", tables, profile)
    judge(everything)
    return to
