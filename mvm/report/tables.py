"""The paper's tables filled with our scores: one `Cell` for each pair of a defence and an attack at an eta."""

import re
from dataclasses import dataclass, replace
from typing import Any

from mvm.audit.checks.grid import seeds
from mvm.audit.checks.verdict import FAIL, WARN, not_passed, struck
from mvm.audit.interval import interval
from mvm.paper import read
from mvm.report.checked import unprobed
from mvm.report.records import Entry, of_data

Key = tuple[str, float | None, str]  # defence, eta, attack
FAMILIES = {"mnist": "MNIST", "cifar10": "CIFAR-10"}  # in print


@dataclass(frozen=True)
class Cell:
    """One place in a table: the paper's number, ours, or both. ours is None where nothing was run.

    paper is None in the columns that the paper does not have and where it is illegible (`note`). struck: the ids of
    the checks that failed, of whichever seed: ours is a lower bound then. badges: those of the warnings; checks:
    what both say.
    """

    defense: str
    attack: str
    eta: float | None
    paper: float | None
    note: str = ""
    ours: float | None = None
    low: float | None = None
    high: float | None = None
    n: int = 0
    seeds: tuple[int, ...] = ()
    data: str = ""
    struck: str = ""
    badges: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()
    runs: tuple[str, ...] = ()
    command: str = ""

    @property
    def difference(self) -> float | None:
        return None if self.ours is None or self.paper is None or self.struck else self.ours - self.paper


@dataclass(frozen=True)
class Table:
    """rows: (defence, eta) in the paper's order; columns: attacks, the paper's first. Labels by name."""

    name: str
    caption: str
    family: str
    cells: dict[Key, Cell]
    rows: list[tuple[str, float | None]]
    columns: list[str]
    contradictions: list[str]
    labels: dict[str, str]
    unprobed: tuple[str, ...] = ()  # runs of which only a part of the rules was tried

    @property
    def run(self) -> list[Cell]:
        return [cell for cell in self.cells.values() if cell.ours is not None]

    @property
    def everywhere(self) -> set[str]:
        """The ids of warnings that all cells have, which need not be said at each."""
        return set.intersection(*(set(cell.badges) for cell in self.run)) if self.run else set()

    @property
    def said(self) -> list[str]:
        """What the checks say that some cell did not pass, each once, in order; the id comes first."""
        return sorted({line for cell in self.run for line in cell.checks})


def made(table: Table) -> str:
    """What our numbers of a table were made with, in words; empty where there are none."""
    cells = table.run
    if not cells:
        return ""

    def told(values: set) -> str:
        return ", ".join(map(str, sorted(values)))

    return (
        f"Data: {told({cell.data for cell in cells})}; seeds a cell: {told({len(cell.seeds) for cell in cells})}; "
        f"test images: {told({cell.n for cell in cells})}."
    )


def fill(name: str, entries: list[Entry]) -> Table:
    """Table `name` of the paper with the scores of `entries`, which are those of its own preset."""
    printed = read("tables")[name]
    entries = of_data(entries, printed["data"])
    wanted = _wanted(printed["cells"], entries)
    cells = {(d, e, a): _cell(d, e, a, note, entries) for (d, e, a), note in wanted.items()}
    kept = {key: cell for key, cell in cells.items() if cell.ours is not None or key in _printed(printed["cells"])}
    return Table(
        name=name,
        caption=printed["caption"],
        family=FAMILIES[printed["data"]],
        cells=kept,
        rows=list(dict.fromkeys((d, e) for d, e, _ in kept)),
        columns=list(dict.fromkeys(a for _, _, a in sorted(kept, key=lambda k: k[2] in read("names")["plus"]))),
        contradictions=read("contradictions")[name],
        labels=labels(entries),
        unprobed=unprobed(entries),
    )


def labels(entries: list[Entry]) -> dict[str, str]:
    """What defences and attacks are called in print; with our number of rounds where it is not 80."""
    names = read("names")
    out = {key: value["label"] for part in names.values() for key, value in part.items()}
    rounds = {entry.config["budget"]["rounds"] for entry in entries if entry.game != "cat_mouse"}
    rounds |= {entry.config["game"]["rounds"] for entry in entries if entry.game == "cat_mouse"}
    rounds -= {80}
    if rounds:
        here = " (here " + "/".join(map(str, sorted(rounds))) + ")"
        out |= {"adv_fgsm80": out["adv_fgsm80"] + here, "fgsm80": out["fgsm80"] + here}
    return out


def _printed(cells: list[dict[str, Any]]) -> dict[Key, tuple[float | None, str]]:
    out = {(c["defense"], c["eta"], c["attack"]): (c["error"], c.get("note", "")) for c in cells}
    return {key: value for key, value in out.items() if key[0] in read("names")["defenses"]}  # not the n/a rows


def _wanted(cells: list[dict[str, Any]], entries: list[Entry]) -> dict[Key, tuple[float | None, str]]:
    """The paper's cells, then the same rows against what the paper has not, and rows at other eta that were run."""
    printed = _printed(cells)
    defenses = list(dict.fromkeys(d for d, _, _ in printed))
    attacks = list(dict.fromkeys(a for _, _, a in printed))
    etas = sorted({e for _, e, _ in printed if e is not None} | {entry.eta for entry in entries})
    clean = any(e is None for _, e, _ in printed)  # printed once, for every eta
    plus = [a for a in read("names")["plus"] if not (a == "clean" and "none" in attacks)]
    wanted: dict[Key, tuple[float | None, str]] = {}
    for eta in ([None] if clean else []) + etas:
        for defense in defenses:
            for attack in [*attacks, *plus]:
                if eta is None or not (clean and attack == "none"):
                    wanted[defense, eta, attack] = printed.get((defense, eta, attack), (None, ""))
    return {key: value for key, value in wanted.items() if key[1] is not None or key in printed}


def _cell(
    defense: str, eta: float | None, attack: str, printed: tuple[float | None, str], entries: list[Entry]
) -> Cell:
    paper, note = printed
    blank = Cell(defense=defense, attack=attack, eta=eta, paper=paper, note=note)
    names = read("names")
    game, key = names["defenses"][defense]["game"], (names["attacks"] | names["plus"])[attack]["attack"]
    fitting = [e for e in entries if e.game == game and e.eta == eta and key in e.scores]
    if eta is None:  # clean images: the defence is the same at every eta
        fitting = [e for e in entries if e.game == game and key in e.scores]
        fitting = [e for e in fitting if e.eta == fitting[0].eta]
    if not fitting:
        return blank
    scores = [e.scores[key] for e in fitting]
    errors = [s.error for s in scores]
    n = min(s.n for s in scores)
    low, high = interval(errors, n)
    checks = [*(c for s in scores for c in s.checks), *not_passed([seeds(len({e.seed for e in fitting}))])]
    return replace(
        blank,
        ours=sum(errors) / len(errors),
        low=low,
        high=high,
        n=n,
        seeds=tuple(e.seed for e in fitting),
        data=fitting[0].data,
        struck=struck(checks),
        badges=tuple(sorted({c.id for c in checks if c.verdict == WARN} - set(struck(checks).split()))),
        checks=tuple(sorted({f"{c.id}{'!' * (c.verdict == FAIL)}: {c.text}" for c in checks})),
        runs=tuple(e.folder.name for e in fitting),
        command=re.sub(r"(?<!\S)seed=\S+", f"seed={','.join(str(e.seed) for e in fitting)}", fitting[0].command),
    )
