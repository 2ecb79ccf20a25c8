"""Cat and mouse of few rounds and of many begin alike, bit for bit: what one run has made, the other takes."""

import shutil
from functools import partial
from pathlib import Path
from typing import Any

from mvm.games.cat_mouse import round_ends
from mvm.record import Run, fingerprint_of
from mvm.terminal import say
from mvm.whole import write_text, write_whole


def share_rounds(run: Run, config: dict[str, Any]) -> None:
    """Before a run begins, give it what a trained run has that differs from it in `game.rounds` alone.

    From one of more rounds: all, so that nothing is left to train; its history up to the last row within these rounds.
    Else, from one of fewer: the checkpoint, with history and seconds, to go on from. Not with force=true, which
    repeats everything.
    """
    rounds = config["game"].get("rounds")
    if rounds is None or run.checkpoint.exists() or config["force"]:
        return
    end = round_ends(rounds, config["game"]["round_iterations"])[-1]
    for other_rounds, other in sorted(_others(run, rounds), key=lambda other: -other[0]):
        names, *rows = other.history.read_text().splitlines(keepends=True)
        rows = [row for row in rows if int(row.split(",")[0]) <= end]  # the iteration comes first
        if other_rounds > rounds and rows:
            say(f"{run.folder.name}: its rounds are the first of {other.folder.name}")
            _copy(other, run, [other.round(k) for k in range(rounds + 1)])
            write_text(run.history, "".join([names, *rows]))
            write_whole(run.defender, partial(shutil.copy, other.round(rounds)))  # the last: it says "trained"
            return
        if other_rounds < rounds and other.checkpoint.exists():
            say(f"{run.folder.name}: goes on from the rounds of {other.folder.name}")
            _copy(other, run, [*(other.round(k) for k in range(other_rounds + 1)), other.checkpoint])
            return


def _others(run: Run, rounds: int) -> list[tuple[int, Run]]:
    """(rounds, run) of the trained runs, all rounds kept, that would be this one with this one's number of rounds."""
    out = []
    for folder in run.folder.parent.glob(f"{run.folder.name.removesuffix(run.fingerprint)}*"):
        other = Run(folder)
        if other.trained and other.history.exists():
            config = other.config()
            game, kept = config["game"], len(other.rounds)
            same = fingerprint_of(config | {"game": game | {"rounds": rounds}}) == run.fingerprint
            if same and kept > game["rounds"]:
                out.append((game["rounds"], other))
    return out


def _copy(source: Run, run: Run, files: list[Path]) -> None:
    for file in files:
        write_whole(run.folder / file.relative_to(source.folder), partial(shutil.copy, file))
