"""outputs/bench/bench.md, the rows of bench.csv to be read: python -m tests.benchmarks.page."""

import csv
import re
from pathlib import Path

from tests.benchmarks.steps import OUT

Row = dict[str, str]
PARTS = {  # of the page, by what a row's name has; the first that fits
    "Whole commands": r"^whole/",
    "Growth: n to 4 n units, the later ones beside the first": r"^growth/",
    "On a GPU: through the Trainer, beside a block as one graph and beside plain launches": r"/gpu-trainer",
    "On a GPU: precision and layout, forms of the penalty, several at once": r"/gpu-",
    "Through the Trainer, beside a bare loop of the same iterations": r"/trainer-",
    "A step beside its arithmetic alone": r"/floor-",
    "The plain step, beside what it could be instead": r"/plain:",
    "FGSM adversarial training, beside other libraries": r"/fgsm-training:",
    "Attack networks in one stack, beside one after another": r"/attnet-restarts",
    "Attacks on 128 images, beside other libraries": r"-(own|nchw)/|/i?fgsm[^-]*:|/pgd",
    "Minimax's step, beside other libraries' for the same or a similar gradient": r":(torch$|torchopt|higher|betty)",
    "Steps of the games, beside each other": r"",
}
HEAD = "| | ours | the other | ratio (quartiles) | target | reached | on |\n|---|---:|---:|---|---:|---|---:|"


def page(rows: list[Row]) -> str:
    """Markdown: a table for each part that has rows, and below where they were measured."""
    machines = list(dict.fromkeys(row["machine"] for row in rows))
    parts: dict[str, list[Row]] = {title: [] for title in PARTS}
    for row in rows:
        parts[next(title for title, name in PARTS.items() if re.search(name, row["name"]))].append(row)
    lines = [
        "# What it costs",
        "",
        "Made by `make bench` from bench.csv. Milliseconds, if nothing else is said; medians",
    ]
    lines += ["of blocks in turn. A ratio below 1: ours takes less. `on`: the machine, below.", ""]
    for title, its in parts.items():
        if its:
            lines += [f"## {title}", "", HEAD, *(line(row, machines) for row in its), ""]
    lines += ["## Machines", "", *(f"{i}. {machine}" for i, machine in enumerate(machines, 1)), ""]
    return "\n".join(lines)


def line(row: Row, machines: list[str]) -> str:
    ratio = f"{row['ratio']} ({row['spread'].replace('-', '–')})" if row["ratio"] else row["spread"]  # or why not
    target = f"≤ {row['target']}" if row["target"] else ""
    cells = (row["name"], row["ours_ms"], row["other_ms"], ratio, target, reached(row))
    return f"| {' | '.join(cells)} | {machines.index(row['machine']) + 1} |"


def reached(row: Row) -> str:
    if not row["target"]:
        return ""
    return "yes" if float(row["ratio"]) <= float(row["target"]) else "**no**"


def read(path: Path) -> list[Row]:
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


if __name__ == "__main__":
    OUT.with_suffix(".md").write_text(page(read(OUT)))
    print(OUT.with_suffix(".md"))
