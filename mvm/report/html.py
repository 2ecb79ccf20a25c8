"""index.html: one file with everything in it, which opens from disk without a network."""

import base64
import json
from dataclasses import asdict
from pathlib import Path
from string import Template
from typing import Any

from mvm.paper import read
from mvm.report.claims import RULE, Verdict
from mvm.report.compare import describe
from mvm.report.series import COLOURS, Figure
from mvm.report.tables import Table, made
from mvm.report.text import findings

HERE = Path(__file__).parent / "page"


def page(profile: str, tables: list[Table], figures: list[Figure], verdicts: list[Verdict], to: Path) -> str:
    """The page's text. The samples are taken from the PNG in `to`, if it is there; curves are drawn by the page."""
    data = {
        "profile": profile,
        "plus": list(read("names")["plus"]),
        "tables": [_table(table) for table in tables],
        "figures": [_figure(figure, to) for figure in figures],
        "rule": RULE,
        "claims": [_claim(claim, verdicts) for claim in read("claims")],
    }
    return Template((HERE / "page.html").read_text()).substitute(
        profile=profile,
        style=(HERE / "page.css").read_text(),
        script=(HERE / "page.js").read_text(),
        data=json.dumps(data).replace("<", "\\u003c"),  # nothing in it can end the script element
    )


def _table(table: Table) -> dict[str, Any]:
    return {
        "name": table.name,
        "title": f"{table.name.replace('table', 'Table ')}, {table.family}",
        "made": made(table),
        "found": findings(table),
        "everywhere": sorted(table.everywhere),
        "caption": table.caption,
        "rows": table.rows,
        "columns": table.columns,
        "labels": table.labels,
        "contradictions": table.contradictions,
        "cells": [asdict(cell) | {"difference": cell.difference} for cell in table.cells.values()],
    }


def _figure(figure: Figure, to: Path) -> dict[str, Any]:
    image = to / f"{figure.name}.png"
    samples = figure.kind == "samples" and image.exists()
    return {
        "name": figure.name,
        "title": f"{figure.name.replace('figure', 'Figure ')}, {figure.family}",
        "caption": figure.caption,
        "note": figure.note,
        "x": figure.x,
        "y": figure.y,
        "top": figure.top,
        "image": "data:image/png;base64," + base64.b64encode(image.read_bytes()).decode() if samples else None,
        "series": [asdict(s) | {"colour": COLOURS[i % len(COLOURS)]} for i, s in enumerate(figure.series)],
    }


def _claim(claim: dict[str, Any], verdicts: list[Verdict]) -> dict[str, Any]:
    by: dict[str, list[dict[str, Any]]] = {}
    for verdict in verdicts:
        if verdict.claim == claim["id"]:
            by.setdefault(verdict.attacker, []).append(asdict(verdict))
    compared = [describe(pair) for pair in claim["pairs"]]
    return {key: claim[key] for key in ("text", "section", "data")} | {"compared": compared, "verdicts": by}
