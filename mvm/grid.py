"""The lines of a grid with what the checks say of them, and the checks that need several lines."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

from mvm.audit.cell import Cell
from mvm.audit.checks.grid import seeds
from mvm.audit.checks.verdict import FAIL, NOT_TRIED, PASS, WARN, Check, of_cell, struck
from mvm.audit.checks.worst import NAME, pointwise, worst_case
from mvm.record import ELSEWHERE, OFF, but_for_seed, fingerprint, name_of, without
from mvm.untried import untried


@dataclass
class Line:
    """One run, by the name of its folder: its cells {attack: cell} at this eta, and the checks on it."""

    run: str
    config: dict[str, Any]
    eta: float
    cells: dict[str, Cell]
    checks: list[Check]
    seconds: float = 0.0  # of training
    profile: str = ""  # of the attacks
    more: str = ""  # in the title, to tell it from another line
    also: tuple[str, ...] = ()  # what it differs in from lines of its game beyond that

    @property
    def data(self) -> str:
        return name_of(self.config["data"])

    @property
    def kind(self) -> tuple[str, float]:
        """What only the seed tells apart."""
        return fingerprint(but_for_seed(self.config)), self.eta

    @property
    def title(self) -> str:
        game = f"{name_of(self.config['game'])}{self.more}{self.trained_at}"
        return f"{self.data} {game} eta{self.eta:g} seed{self.config['seed']}"

    @property
    def trained_at(self) -> str:
        """Of a run that is scored at another eta than the one that its game used: that one."""
        used = any(key.rpartition(".")[2] == "eta" for key, _ in _flat(self.config["game"]))
        return f" trained_at_eta={self.config['eta']:g}" if used and self.config["eta"] != self.eta else ""

    def with_worst(self) -> "Line":
        """The line with one more cell: what any of its attacks breaks, image by image (E21)."""
        worst = worst_case(self.cells)
        if worst is None:
            return self
        checks = [*self.checks, pointwise(self.cells, worst)]
        return replace(self, cells=self.cells | {NAME: worst}, checks=checks)

    @property
    def judged(self) -> list[Check]:
        """The checks on this row as a whole, and on the cells that it has: without attacks nothing is `worst`."""
        return [check for check in self.checks if check.attack in (None, *self.cells)]

    def marked(self) -> dict[str, Cell]:
        """The cells, those struck with the ids of the checks that they failed."""
        out = {}
        for name, cell in self.cells.items():
            out[name] = cell | {"struck": struck(of_cell(self.checks, name))}
        return out


def tell_apart(lines: list[Line]) -> None:
    """Lines of the same title get settings in which they differ, too: two of the plain ones, or as many as it takes."""
    same: dict[str, list[Line]] = {}
    for line in lines:
        same.setdefault(line.title, []).append(line)
    for twins in same.values():
        plain = [_plain(line.config) for line in twins]
        settings = [one | _nested(line.config) for one, line in zip(plain, twins, strict=True)]
        keys = [*dict.fromkeys(chain(*plain)), *dict.fromkeys(chain(*settings))]
        differ = [key for key in dict.fromkeys(keys) if len({one.get(key) for one in settings}) > 1]
        first = min(2, sum(key in plain[0] for key in differ))
        for many in range(first, len(differ) + 1):
            more = ["".join(f" {key}={one.get(key)}" for key in differ[:many]) for one in settings]
            if len(set(more)) == len(more):
                break
        for line, text in zip(twins, more, strict=True):
            line.more, line.also = text, tuple(differ[many:])


def more_apart(lines: list[Line]) -> Iterator[str]:
    """A line of text for each game whose runs differ in more than their titles say."""
    also: dict[str, dict[str, None]] = {}
    for one in lines:
        also.setdefault(f"{one.data} {name_of(one.config['game'])}", {}).update(dict.fromkeys(one.also))
    for game, keys in also.items():
        if keys:
            yield f"{game}: these runs differ in {', '.join(keys)}, too"


def _plain(config: dict[str, Any]) -> dict[str, str]:
    """What a title says first: a game's numbers and words, the names of a mixture's members, and how images move."""
    game = config["game"]
    single = {key: str(value) for key, value in game.items() if not isinstance(value, (dict, list))}
    members = {"members": "+".join(game["members"])} if "members" in game else {}
    return single | members | {key: str(config["data"].get(key, off)) for key, off in OFF}


def _nested(config: dict[str, Any]) -> dict[str, str]:
    """What else may tell runs apart: the settings of a game's attacks and optimisers, the classifier and the data."""
    game = {key: value for key, value in config["game"].items() if isinstance(value, dict)}
    data = without(config["data"], dict(OFF))
    return dict(_flat(game | {"classifier": config["classifier"], "data": data}))


def _flat(settings: dict[str, Any], within: str = "") -> Iterator[tuple[str, str]]:
    """against=pgd, against.steps=3, ...: of nested settings, each by the path to it; `_target_` as a name."""
    for key, value in settings.items():
        if isinstance(value, dict):
            yield from {f"{within}{key}": _short(value["_target_"])}.items() if "_target_" in value else ()
            yield from _flat(value, f"{within}{key}.")
        elif key not in ("_target_", *ELSEWHERE):
            yield f"{within}{key}", str(value)


def _short(target: str) -> str:
    """pgd for mvm.attacks.pgd.PGD, as everywhere; Adam for torch.optim.Adam, whose file says nothing."""
    return target.split(".")[-2 if target.startswith("mvm.") else -1]


def add_grid_checks(lines: list[Line], runs: str) -> None:
    """E30, the seeds of each kind of run; and E25. runs: the glob that was asked for."""
    seen: dict[tuple[str, float], set[int]] = {}
    for line in lines:
        seen.setdefault(line.kind, set()).add(line.config["seed"])
    tried = {line.data for line in lines for check in line.checks if check.id == "E25"}
    for line in lines:
        line.checks.append(seeds(len(seen[line.kind])))
        if line.data not in tried:
            line.checks.append(untried("E25", runs))
    add_broken_twins(lines)


def add_broken_twins(lines: list[Line]) -> None:
    """E25: an undefended net that PGD does not break strikes its data set."""
    broken = {line.data: c for line in lines for c in line.checks if c.id == "E25" and c.verdict == FAIL}
    for line in lines:
        twin = broken.get(line.data)
        if twin and twin not in line.checks:
            line.checks.append(twin)


def findings(lines: list[Line], verdicts: Collection[str] = (FAIL, WARN)) -> Iterator[str]:
    """A line of text for every check that failed or warned, equal ones together."""
    where: dict[tuple[str, str, str], dict[str, list[str]]] = {}
    for line in lines:
        for check in line.judged:
            if check.verdict in verdicts:
                of_attack = where.setdefault((check.verdict, check.id, check.text), {})
                of_attack.setdefault(f" / {check.attack}" if check.attack else "", []).append(line.title)
    for (verdict, id, text), of_attack in sorted(where.items()):
        places = [place + attack for attack, titles in of_attack.items() for place in _shortened(titles, len(lines))]
        more = f" and {len(places) - 3} more" if len(places) > 3 else ""
        yield f"{verdict} {id}: {text} ({', '.join(places[:3])}{more})"


def _shortened(titles: list[str], runs: int) -> list[str]:
    return [f"all {runs} runs"] if len(titles) == runs > 1 else titles


def silences(lines: list[Line]) -> Iterator[str]:
    """A line of text for every rule that was not tried, and why."""
    why = Counter((check.id, check.text) for line in lines for check in line.judged if check.verdict == NOT_TRIED)
    for (id, text), runs in sorted(why.items()):
        yield f"not tried: {id} on {runs} of {len(lines)} run{'s' * (len(lines) > 1)}: {text}"


def tally(checks: Iterable[Check]) -> str:
    """2 failed, 31 warned, 120 passed, 3 not tried."""
    number = Counter(check.verdict for check in checks)
    said = {FAIL: "failed", WARN: "warned", PASS: "passed", NOT_TRIED: "not tried"}
    return ", ".join(f"{number[verdict]} {word}" for verdict, word in said.items())
