"""Which runs and which of their scores a table or a figure consists of."""

import json
import shlex
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from mvm.cells import cell_file
from mvm.errors import UserError
from mvm.paper import read
from mvm.record import Run, name_of
from mvm.schema import CONF
from mvm.whole import write_text


def check_exhibit(exhibit: str, data: str) -> None:
    """Raises `UserError` for a table or figure of the paper on images of the other kind, which no report would show."""
    printed = read("tables") | read("figures")
    family = printed[exhibit]["data"] if exhibit in printed else ""
    if not data.startswith(family):
        fitting = sorted(file.stem for file in CONF.glob(f"data/{family}*.yaml"))
        others = [name for name, about in printed.items() if data.startswith(about["data"])]
        counterparts = f"; of {data} are {', '.join(others)}" if others else ""
        raise UserError(f"data={data}: {exhibit} is of {' or '.join(fitting)}{counterparts}")


def note_entry(run: Run, config: dict[str, Any], exhibit: str, *, game: str, overrides: list[str]) -> None:
    """Write outputs/exhibits/<profile>/<exhibit>/<data>-<game>-eta<eta>-seed<seed>.json.

    It says what to read and how it was made, but not where, so that a report made elsewhere says the same. game: the
    name in conf/game. The entry of the same name is replaced, since a table shows what was last made for it; one that
    says the same is left as it is.
    """
    data = name_of(config["data"])
    path = Path(config["outputs"]) / "exhibits" / config["profile"] / exhibit
    path /= f"{data}-{game}-eta{config['eta']:g}-seed{config['seed']}.json"
    attacks = dict(config["attacks"]) | ({"own": config["game"]["attack"]} if "attack" in config["game"] else {})
    files = {name: cell_file(run, name, settings, config["test_images"]) for name, settings in attacks.items()}
    entry = {
        "run": run.folder.name,
        "data": data,
        "game": game,
        "eta": config["eta"],
        "seed": config["seed"],
        "cells": {name: str(file.relative_to(run.folder)) for name, file in files.items()},
        "command": "python -m mvm.train " + shlex.join(word for word in overrides if not word.startswith("outputs=")),
    }
    with suppress(OSError, ValueError, AttributeError):  # none yet, or a damaged one
        if json.loads(path.read_text()).items() >= entry.items():
            return
    text = json.dumps(entry | {"made": time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())}, indent=1) + "\n"
    write_text(path, text)
