"""The checks of the scores that a report shows: those of mvm.evaluate, from the records alone."""

from collections.abc import Iterable
from dataclasses import replace

from mvm.audit.checks.provenance import own_weights
from mvm.audit.checks.verdict import Check, of_cell
from mvm.grid import Line, add_broken_twins
from mvm.recorded import checks_of, findings_on
from mvm.report.records import Entry, Score

Exhibits = dict[str, list[Entry]]


def checked(exhibits: Exhibits) -> Exhibits:
    """The same with the fails and warnings in each score's `checks`.

    A run is judged by all its scores at its eta and on the same images, in whichever exhibit: the clean error, say, may
    be in another. E30, the number of seeds, is the table's own.
    """
    everything = [entry for entries in exhibits.values() for entry in entries]
    together: dict[tuple[str, str, float, str], dict[str, Score]] = {}
    for entry in everything:
        for name, score in entry.scores.items():
            together.setdefault((*_run(entry), score.examples), {})[name] = score

    def alike(entry: Entry) -> dict[str, Score]:
        images = sorted({score.examples for score in entry.scores.values()})
        return {k: v for i in images for k, v in together[*_run(entry), i].items()}

    lines = [_line(entry, alike(entry) | entry.scores) for entry in everything]
    add_broken_twins(lines)
    judged = iter([_marked(entry, line) for entry, line in zip(everything, lines, strict=True)])
    return {name: [next(judged) for _ in entries] for name, entries in exhibits.items()}


def _run(entry: Entry) -> tuple[str, str, float]:
    """By its weights, too: another machine's of that name may have others."""
    return entry.folder.name, entry.weights(), entry.eta


def unprobed(entries: Iterable[Entry]) -> tuple[str, ...]:
    """The runs on whose weights mvm.evaluate kept no findings at this eta."""
    return tuple(sorted({e.folder.name for e in entries if e.scores and not _findings(e)}))


def _findings(entry: Entry) -> list[Check]:
    cells = {name: score.cell for name, score in entry.scores.items()}
    return findings_on(entry.found(), cells, weights=entry.weights(), eta=entry.eta)


def _line(entry: Entry, scores: dict[str, Score]) -> Line:
    """The cells that the rules can read, and what they say."""
    cells = {name: score.cell for name, score in scores.items() if score.wrong is not None}
    weights = entry.weights()
    found = findings_on(entry.found(), cells, weights=weights, eta=entry.eta)
    rows = entry.history()
    checks = checks_of(cells, found, game=entry.config["game"], weights=weights, history=rows) if cells else []
    return Line(entry.folder.name, entry.config, entry.eta, cells, checks)


def _marked(entry: Entry, line: Line) -> Entry:
    """With the checks at each score; an older version's, which the rules cannot read, has E23's warning."""
    scores = {}
    for name, score in entry.scores.items():
        checks = line.checks if name in line.cells else [own_weights({"attack": name}, "")]
        scores[name] = replace(score, checks=tuple(of_cell(checks, name)))
    return replace(entry, scores=scores)
