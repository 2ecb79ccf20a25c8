"""A cat and mouse of many rounds goes on from one of fewer: the rounds of both are the same, bit for bit."""

import shutil
from functools import partial
from typing import Any

from mvm.record import Run
from mvm.terminal import say
from mvm.whole import write_whole


def go_on_from_shorter(run: Run, config: dict[str, Any]) -> None:
    """Give a run that has no checkpoint yet that of the longest trained run which differs in `game.rounds` alone.

    Its history and the seconds of its training come along in the checkpoint. Not with force=true, which repeats all.
    """
    if run.checkpoint.exists() or config["force"]:
        return
    for rounds in range(config["game"].get("rounds", 0) - 1, 0, -1):
        shorter = Run.of(config | {"game": config["game"] | {"rounds": rounds}})
        if shorter.trained and shorter.checkpoint.exists():
            say(f"{run.folder.name}: goes on from the {rounds} rounds of {shorter.folder.name}")
            kept = sorted((shorter.folder / "rounds").glob("*.safetensors"))
            for file in (*kept, shorter.checkpoint):  # the checkpoint last: from then on the run goes on from it
                write_whole(run.folder / file.relative_to(shorter.folder), partial(shutil.copy, file))
            return
