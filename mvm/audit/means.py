"""The mean over the seeds of every defence of a grid, or of several."""

from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean
from typing import Any

from mvm.audit.checks.worst import NAME as WORST
from mvm.audit.markdown import line
from mvm.audit.table import columns

Row = Mapping[str, Any]  # a line of grid.csv, read or to be written


def table(rows: Iterable[Row]) -> str:
    """A line a defence and eta, in Markdown: the mean over its seeds, and the smallest and largest of them.

    Settings but for the seed tell defences apart. If a check struck one of the seeds' numbers the mean is a bound, too;
    where an attack was not run on all seeds it says on how many, and where the worst is not over the same attacks for
    all, or not over all attacks of the line, it is a bound. The attacks' settings are not in a grid: whoever joins
    several has to know that they are alike.
    """
    rows = list(rows)
    cells: dict[tuple[str, str], dict[str, list[Row]]] = {}
    for row in rows:
        cells.setdefault((row["settings"], row["eta"]), {}).setdefault(row["attack"], []).append(row)
    titles = columns({row["attack"]: {"box": str(row["box"]) == "True"}} for row in rows)
    attacks = sorted(titles, key=lambda attack: attack == WORST)  # as they came, the worst of them last
    head = ["defence", "seeds", *(titles[attack] for attack in attacks), "training, s"]
    out = [line(head), line(["---"] * len(head))]
    for of in cells.values():
        whole = [row for found in of.values() for row in found]
        told = max(whole, key=lambda row: len(row["variant"]))  # a grid of one kind of run names no variant
        title = " ".join(filter(None, [told["data"], told["defense"], told["variant"], f"eta{told['eta']}"]))
        seconds = fmean({row["run"]: float(row["training_s"]) for row in whole}.values())
        seeds = len({row["seed"] for row in whole})
        uneven = _uneven(of.get(WORST, []), whole)
        means = (mean(of.get(attack, []), seeds, uneven=uneven and attack == WORST) for attack in attacks)
        out.append(line([title, str(seeds), *means, f"{seconds:.0f}"]))
    return "\n".join(out)


def _uneven(worst: Sequence[Row], whole: Sequence[Row]) -> bool:
    """Whether not all worst cases are over all that is scored of their runs, or runs have not the same attacks."""
    has = {frozenset(row["attack"] for row in whole if row["run"] == run) for run in {row["run"] for row in worst}}
    over = {frozenset(row["over"].split()) for row in worst if "over" in row}
    return len(has | over) > 1


def mean(rows: Sequence[Row], seeds: int, *, uneven: bool = False) -> str:
    """0.0188 (0.0150 to 0.0220), of one seed 0.0188; a bound with the ids of the checks that failed: >=0.0188 E19.

    seeds: of the defence; that there are rows of fewer, or several of a seed, is said. uneven: each is the worst over
    attacks that not all have.
    """
    if not rows:
        return ""
    errors = [float(str(row["error"]).removeprefix(">=")) for row in rows]
    struck = sorted({id for row in rows for id in row["checks"].split() if id.endswith("!")})
    spread = f" ({min(errors):.4f} to {max(errors):.4f})" if len(errors) > 1 else ""
    of = len({row["seed"] for row in rows})
    notes = [id.rstrip("!") for id in struck]
    notes += [f"[{of} of {seeds} seeds]"] if of < seeds else []
    notes += [f"[{len(rows)} runs of {of} seed{'s' if of > 1 else ''}]"] if len(rows) > of else []
    notes += ["[not of the same attacks]"] if uneven else []
    return " ".join([f"{'>=' if struck or uneven else ''}{fmean(errors):.4f}{spread}", *notes])
