"""What is kept of trained runs, found and loaded."""

import glob
import json
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

from torch import nn

from mvm.build import build, device
from mvm.data.images import Images
from mvm.errors import UserError
from mvm.globs import globs
from mvm.record import Run, but_for_seed, name_of
from mvm.terminal import say
from mvm.weights import load_weights


def find_runs(patterns: str | Sequence[str]) -> list[Run]:
    """The trained runs whose folders match a glob, or one of several, each once and in order.

    Raises `UserError` if a glob has none.
    """
    found = {run.folder.resolve(): run for one in globs(patterns) for run in _matching(one)}
    return [found[folder] for folder in sorted(found)]


def _matching(pattern: str) -> list[Run]:
    folders = [Path(folder) for folder in sorted(glob.glob(pattern))]
    runs = [Run(folder) for folder in folders if Run(folder).trained]
    for folder in folders:
        if folder.is_dir() and not Run(folder).trained:
            say(f"skipped {folder.name}: its training is not finished")
    if not runs:
        raise UserError(
            f"runs={pattern}: no trained run matches ({len(folders)} folders do); "
            f"give a glob of run folders, for example 'runs=outputs/runs/mnist5k-*', or a list of such globs"
        )
    return runs


def defence(
    run: Run, config: dict[str, Any], accelerator: str, test_images: int | None = None
) -> tuple[nn.Module, Images]:
    """The run's classifier with its weights, and its data set, with so many test images or all, on the device."""
    classifier = build(config["classifier"])
    load_weights(classifier, run.defender)
    where = device(accelerator)
    data = _data(json.dumps({**config["data"], "seed": 0}))  # the seed only orders mini-batches
    data.to(where)
    return classifier.to(where), data.tested_on(test_images)


@lru_cache(maxsize=1)
def _data(config: str) -> Images:
    data: Images = build(json.loads(config))
    data.setup()
    return data


def surrogate(run: Run, config: dict[str, Any], runs: Sequence[Run]) -> Run | None:
    """An undefended one of `runs` on the same data, whose adversarial images are tried on this one."""
    for other in runs:
        if other.fingerprint != run.fingerprint:  # nor the same weights at another eta
            with suppress(UserError):
                theirs = other.config()
                if [name_of(theirs[key]) for key in ("game", "data")] == ["undefended", name_of(config["data"])]:
                    load_weights(build(theirs["classifier"]), other.defender)
                    return other
    return None


def copy_of(run: Run, config: dict[str, Any], runs: Sequence[Run]) -> Run | None:
    """The first of `runs` with the same settings but for the seed: an independently trained copy."""
    for other in runs:
        if other.folder != run.folder:
            with suppress(UserError):
                theirs = other.config()
                if _another_seed(theirs, config):
                    load_weights(build(theirs["classifier"]), other.defender)
                    return other
    return None


def _another_seed(one: dict[str, Any], other: dict[str, Any]) -> bool:
    same_eta = one["eta"] == other["eta"]
    return one["seed"] != other["seed"] and same_eta and but_for_seed(one) == but_for_seed(other)
