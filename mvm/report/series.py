"""What the curves of a figure are made of, for the printed figure and for the page alike."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mvm.paper import read
from mvm.report.records import Entry, of_data
from mvm.report.tables import FAMILIES

# Okabe and Ito's colours, told apart by the colour-blind; every line has a mark of its own too.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
Point = tuple[float, float]
A_PART = "Ours are on 1,000 test images."
VALIDATION = "Ours are validation images: those of the test only score."


@dataclass(frozen=True)
class Series:
    """points: (iteration or round, error), the mean over seeds; each: those of each seed, if there are several."""

    label: str
    points: list[Point]
    each: list[list[Point]]


@dataclass(frozen=True)
class Figure:
    """series empty: nothing was run. note: what to know about the printed figure. top: where the y axis ends."""

    name: str
    family: str
    kind: str
    caption: str
    note: str
    x: str
    y: str
    top: float
    series: list[Series]
    entries: list[Entry]


def gather(name: str, entries: list[Entry]) -> Figure:
    """Figure `name` of the paper from the entries of its own preset."""
    about: dict[str, Any] = read("figures")[name]
    entries = [entry for entry in of_data(entries, about["data"]) if entry.game in about["games"]]
    entries.sort(key=lambda entry: (about["games"].index(entry.game), entry.eta, entry.seed))
    rounds = about["kind"] == "rounds"
    make = {"rounds": _rounds, "curves": _curves, "samples": lambda entries: []}[about["kind"]]
    series = make(entries)
    return Figure(
        name=name,
        family=FAMILIES[about["data"]],
        kind=about["kind"],
        caption=about["caption"],
        note=about["note"] + {"curves": f" {VALIDATION}", "rounds": f" {A_PART}"}.get(about["kind"], ""),
        x="round" if rounds else "game iteration",
        y="error on test images" if rounds else "validation error, game's own attack",
        top=_top(series),
        series=series,
        entries=entries,
    )


def _rounds(entries: list[Entry]) -> list[Series]:
    out = []
    for eta, group in _by_seed(entries, lambda entry: entry.eta).items():
        for key, label in (("attacked", "after the attack"), ("trained", "after adversarial training")):
            curves = [[(row["round"], row[key]) for row in entry.rounds()] for entry in group]
            out.append(_series(f"{label}, η = {eta:g}", curves))
    return [series for series in out if series.points]


def _curves(entries: list[Entry]) -> list[Series]:
    """The error against the attacker inside the game, as it stands at that iteration."""
    names = {value["game"]: value["label"] for value in read("names")["defenses"].values()}
    out = []
    for (game, eta), group in _by_seed(entries, lambda entry: (entry.game, entry.eta)).items():
        curves = [
            [(row["iteration"], row["val_error"]) for row in entry.history() if "val_error" in row] for entry in group
        ]
        out.append(_series(f"{names[game]}, η = {eta:g}", curves))
    return [series for series in out if series.points]


def _by_seed(entries: list[Entry], key: Callable[[Entry], Any]) -> dict[Any, list[Entry]]:
    """The entries that differ in nothing but the seed, together."""
    out: dict[Any, list[Entry]] = {}
    for entry in entries:
        out.setdefault(key(entry), []).append(entry)
    return out


def _series(label: str, curves: list[list[Point]]) -> Series:
    """Of one curve a seed: their mean, where all of them have a point."""
    if len(curves) == 1:
        return Series(label, curves[0], [])
    by_x = [dict(curve) for curve in curves]
    mean = [(x, sum(ys[x] for ys in by_x) / len(by_x)) for x in by_x[0] if all(x in ys for ys in by_x)]
    return Series(f"{label} (mean of {len(curves)} seeds; faint: each)", mean, curves)


def _top(series: list[Series]) -> float:
    """The round number up to 1 that leaves room for all points."""
    highest = max((y for one in series for curve in (one.points, *one.each) for _, y in curve), default=1.0)
    return min((top for top in (0.05, 0.1, 0.2, 0.5) if top >= highest), default=1.0)
