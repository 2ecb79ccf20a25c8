"""What the curves of a figure are made of, for the printed figure and for the page alike."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mvm.paper import read
from mvm.report.records import Entry, of_data

# Okabe and Ito's colours, told apart by the colour-blind; every line has a mark of its own too.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")


@dataclass(frozen=True)
class Series:
    label: str
    points: list[tuple[float, float]]  # (iteration or round, error)


@dataclass(frozen=True)
class Figure:
    """series empty: nothing was run. note: what to know about the printed figure."""

    name: str
    kind: str
    caption: str
    note: str
    x: str
    y: str
    series: list[Series]
    entries: list[Entry]


def gather(name: str, entries: list[Entry]) -> Figure:
    """Figure `name` of the paper from the entries of its own preset."""
    about: dict[str, Any] = read("figures")[name]
    entries = [entry for entry in of_data(entries, about["data"]) if entry.game in about["games"]]
    entries.sort(key=lambda entry: (about["games"].index(entry.game), entry.eta, entry.seed))
    rounds = about["kind"] == "rounds"
    make = {"rounds": _rounds, "curves": _curves, "samples": lambda entries: []}[about["kind"]]
    return Figure(
        name=name,
        kind=about["kind"],
        caption=about["caption"],
        note=about["note"],
        x="round" if rounds else "game iteration",
        y="error on test images" if rounds else "error on validation images",
        series=make(entries),
        entries=entries,
    )


def _rounds(entries: list[Entry]) -> list[Series]:
    out = []
    for eta, group in _by_seed(entries, lambda entry: entry.eta).items():
        for key, label in (("attacked", "after the attack"), ("trained", "after adversarial training")):
            curves = [[(row["round"], row[key]) for row in entry.rounds()] for entry in group]
            out.append(Series(f"{label}, η = {eta:g}{_of_seeds(group)}", _mean(curves)))
    return [series for series in out if series.points]


def _curves(entries: list[Entry]) -> list[Series]:
    """The error against the attacker inside the game, as it stands at that iteration."""
    names = {value["game"]: value["label"] for value in read("names")["defenses"].values()}
    out = []
    for (game, eta), group in _by_seed(entries, lambda entry: (entry.game, entry.eta)).items():
        curves = [
            [(row["iteration"], row["val_error"]) for row in entry.history() if "val_error" in row] for entry in group
        ]
        out.append(Series(f"{names[game]}, η = {eta:g}{_of_seeds(group)}", _mean(curves)))
    return [series for series in out if series.points]


def _by_seed(entries: list[Entry], key: Callable[[Entry], Any]) -> dict[Any, list[Entry]]:
    """The entries that differ in nothing but the seed, together."""
    out: dict[Any, list[Entry]] = {}
    for entry in entries:
        out.setdefault(key(entry), []).append(entry)
    return out


def _mean(curves: list[list[tuple[float, float]]]) -> list[tuple[float, float]]:
    """The mean of several seeds' curves, where all of them have a point."""
    by_x = [dict(curve) for curve in curves]
    return [(x, sum(ys[x] for ys in by_x) / len(by_x)) for x in by_x[0] if all(x in ys for ys in by_x)]


def _of_seeds(group: list[Entry]) -> str:
    return f" (mean of {len(group)} seeds)" if len(group) > 1 else ""
