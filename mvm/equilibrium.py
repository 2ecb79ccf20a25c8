"""The audit `gap`: the duality gap of solved games and Lemma 1 between them, measured, shown and written down."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from mvm.attacks.none import Clean
from mvm.audit.bootstrap import paired_bootstrap
from mvm.audit.checks.verdict import FAIL
from mvm.audit.gap import duality_gap
from mvm.audit.lemma1 import STATEMENTS, Inequality, Losses, best, checks, lemma1
from mvm.audit.markdown import line
from mvm.record import name_of
from mvm.solved import Solved, losses
from mvm.terminal import console, say
from mvm.whole import write_text

Found = dict[str, Any]


def measure(games: dict[str, Solved]) -> Found:
    """Everything about one set of comparable games, as plain data for gap.json."""
    first = next(iter(games.values()))
    say(f"{title(first)}: {', '.join(games)}")
    risks, clean = _risks(games)
    inequalities = lemma1({name: game.kind for name, game in games.items()}, risks)
    pairs = {}
    for name, game in games.items():
        gap = duality_gap(risks[name, best(name)], risks[best(name), name])
        own = {"run": game.run.folder.name, "kind": game.kind, "clean": float(clean[name].mean())}
        pairs[name] = own | {"settings": game.settings} | gap
    return {
        "title": title(first),
        "data": name_of(first.config["data"]),
        "eta": first.config["eta"],
        "seed": first.config["seed"],
        "n": len(clean[next(iter(games))]),
        "games": pairs,
        "risks": [{"u": u, "v": v, "risk": float(f.mean())} for (u, v), f in risks.items()],
        "range": _range(games, risks),
        "lemma1": [asdict(i) | {"text": i.text} for i in inequalities],
        "checks": [check.as_dict() for check in checks(inequalities)],
    }


def title(game: Solved) -> str:
    return f"{name_of(game.config['data'])} eta{game.config['eta']:g} seed{game.config['seed']}"


def _risks(games: dict[str, Solved]) -> tuple[Losses, dict[str, np.ndarray]]:
    """The losses of every u and every best(v) against every v, and of every u against best(u); and on clean images."""
    out: Losses = {}
    clean: dict[str, np.ndarray] = {}
    for name, game in games.items():
        clean[name] = losses(game.defender, Clean(), game.data)
        out[name, best(name)] = game.attacked()
        answer = game.answer()
        for other, theirs in games.items():
            out[name, other] = losses(game.defender, theirs.attacker, game.data)
            out[best(name), other] = losses(answer, theirs.attacker, game.data)
    return out, clean


def _range(games: dict[str, Solved], risks: Losses) -> Found | None:
    """From the risk of the maximin pair to that of the minimax pair, each with its 95 % interval; None without both."""
    ends = {}
    for end, kind in (("lower", "maximin"), ("upper", "minimax")):
        names = [name for name, game in games.items() if game.kind == kind]
        if not names:
            return None
        pairs = [(best(name), name) if kind == "maximin" else (name, best(name)) for name in names]
        pick = max if kind == "maximin" else min
        found = risks[pick(pairs, key=lambda pair: risks[pair].mean())]
        value, low, high, _ = paired_bootstrap(found[None], np.zeros((1, len(found))))
        ends[end] = {"risk": value, "low": low, "high": high}
    return ends


def show(found: Found) -> None:
    """The set as tables on the terminal."""
    table = Table()
    for column in HEAD:
        table.add_column(column, no_wrap=True, justify="left" if column == HEAD[0] else "right")
    for places in _lines(found):
        table.add_row(*places)
    console.print(table)
    for text in (*LEGEND, *_between(found)):
        say(text)
    for item, statement in STATEMENTS.items():
        say(f"Lemma {item}  {_told(found, item):32s} {statement}")
    for check in found["checks"]:
        if check["verdict"] == FAIL:
            say(f"fail E32: {check['text']} ({found['title']})")


def write(found: list[Found], outputs: Path) -> Path:
    """gap.json and gap.md in the outputs; returns the latter."""
    text = json.dumps(found, indent=1) + "\n"
    write_text(outputs / "gap.json", text)
    page = "\n".join(["# Duality gap and Lemma 1", "", *LEGEND, "", *(text for one in found for text in _page(one))])
    write_text(outputs / "gap.md", page)
    return outputs / "gap.md"


HEAD = ("game", "clean", "f(u, v)", "f(u, v*(u))", "f(u*(v), v)", "duality gap >=", "95 %")
LEGEND = (
    "Risks are mean cross-entropies on the test images. v*(u) is the best attack found against u, u*(v) the best",
    "defence found against v, so that each gap is a lower bound of the true one, for attackers of v*(u)'s class.",
    "Intervals: 95 %, by the bootstrap over images; they say nothing of seeds. Below, best(x) is the best response",
    "to the player of x: the attack in f(x, best(x)), the defence in f(best(x), x). Verdicts: after Holm's correction",
    "over the inequalities of a set.",
)


def _lines(found: Found) -> list[list[str]]:
    risk = {(r["u"], r["v"]): r["risk"] for r in found["risks"]}
    out = []
    for name, game in found["games"].items():
        numbers = (game["clean"], risk[name, name], risk[name, best(name)], risk[best(name), name], game["gap"])
        interval = f"[{game['gap_low']:.4f}, {game['gap_high']:.4f}]"
        out.append([f"{found['title']} {name}", *(f"{number:.4f}" for number in numbers), interval])
    return out


def _told(found: Found, item: str) -> str:
    """2 hold, 1 violated, ..."""
    verdicts = [i["verdict"] for i in found["lemma1"] if i["item"] == item]
    return ", ".join(f"{verdicts.count(v)} {v}" if v != "not run" else v for v in dict.fromkeys(sorted(verdicts)))


def _between(found: Found) -> list[str]:
    if not found["range"]:
        return []
    low, high = (f"{end['risk']:.4f} [{end['low']:.4f}, {end['high']:.4f}]" for end in found["range"].values())
    return [
        f"Measured range of the risk: from {low}, maximin against its best defence,",
        f"to {high}, minimax under its best attack.",
        "Both ends are responses as found: the first can only be too high, the second too low, the range too narrow.",
    ]


def _page(found: Found) -> list[str]:
    out = [f"## {found['title']}, {found['n']} test images", "", *_pipe(HEAD, _lines(found)), ""]
    out += [*_between(found), ""]
    rows = []
    for i in (Inequality(**{k: v for k, v in i.items() if k != "text"}) for i in found["lemma1"]):
        measured = i.difference is not None
        numbers = [f"{i.difference:.4f}", f"[{i.low:.4f}, {i.high:.4f}]", f"{i.p:.3g}"] if measured else ["", "", ""]
        rows.append([i.item, i.text, *numbers, i.verdict])
    return [*out, *_pipe(("Lemma", "inequality", "difference", "95 %", "p", "verdict"), rows), ""]


def _pipe(head: tuple[str, ...], rows: list[list[str]]) -> list[str]:
    return [line(one) for one in (head, ["---"] * len(head), *rows)]
