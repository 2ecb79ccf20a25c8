"""What the curves of a figure are made of, for the printed figure and for the page alike."""

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
        y="error on 1,000 test images" if rounds else "error on 1,000 validation images",
        series=make(entries),
        entries=entries,
    )


def _rounds(entries: list[Entry]) -> list[Series]:
    out = []
    for entry in entries:
        rows = entry.rounds()
        for key, label in (("attacked", "after the attack"), ("trained", "after adversarial training")):
            label += f", η = {entry.eta:g}{_seed(entry, entries)}"
            out.append(Series(label, [(row["round"], row[key]) for row in rows]))
    return [series for series in out if series.points]


def _curves(entries: list[Entry]) -> list[Series]:
    """The error against the attacker inside the game, as it stands at that iteration."""
    names = {value["game"]: value["label"] for value in read("names")["defenses"].values()}
    out = []
    for entry in entries:
        rows = [row for row in entry.history() if "val_error" in row]
        label = f"{names[entry.game]}, η = {entry.eta:g}{_seed(entry, entries)}"
        out.append(Series(label, [(row["iteration"], row["val_error"]) for row in rows]))
    return [series for series in out if series.points]


def _seed(entry: Entry, entries: list[Entry]) -> str:
    return f", seed {entry.seed}" if len({e.seed for e in entries}) > 1 else ""
