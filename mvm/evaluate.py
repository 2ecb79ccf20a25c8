"""Score saved defenders against attacks, without training them again.

python -m mvm.evaluate 'runs=outputs/runs/mnist5k-*' 'attacks=[none,fgsm,pgd,attnet]'
"""

import csv
import glob
import json
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf
from torch import nn

from mvm.audit.score import Cell
from mvm.audit.table import table
from mvm.build import build, device, positive_eta
from mvm.cells import cells
from mvm.cli import entry
from mvm.data.images import Images
from mvm.errors import UserError
from mvm.record import Run, name_of
from mvm.terminal import console, say
from mvm.weights import load_weights, write_whole

COLUMNS = ("run", "data", "defense", "attack", "eta", "box", "seed", "profile", "error", "n", "ci_low", "ci_high")


def main(cfg: DictConfig, overrides: list[str]) -> None:
    rows: list[dict[str, Any]] = []
    grid: list[tuple[str, dict[str, Cell]]] = []
    skipped: list[str] = []
    for run in find_runs(cfg.runs):
        try:
            config = run.config()
            attacks = attacks_on(config, cfg)
            scores = cells(run, attacks, partial(defence, run, config, cfg.trainer.accelerator))
        except UserError as why:  # one damaged run does not sink the grid
            say(f"skipped {run.folder.name}: {why}")
            skipped.append(run.folder.name)
            continue
        eta = config["eta"] if cfg.eta is None else cfg.eta
        grid.append((f"{name_of(config['data'])} {name_of(config['game'])} eta{eta:g} seed{config['seed']}", scores))
        rows += [row(run, config, eta, cell) for cell in scores.values()]
    if rows:
        console.print(table(grid))
        path = Path(cfg.outputs) / "grid.csv"
        write_whole(path, lambda temporary: write_csv(temporary, rows))
        print(path)
    if skipped:
        raise UserError(
            f"{len(skipped)} of {len(skipped) + len(grid)} runs were skipped, see above: {', '.join(skipped)}"
        )


def find_runs(pattern: str) -> list[Run]:
    """The trained runs whose folders match a glob, in order. Raises `UserError` if there is none."""
    folders = [Path(folder) for folder in sorted(glob.glob(pattern))]
    runs = [Run(folder) for folder in folders if Run(folder).trained]
    for folder in folders:
        if folder.is_dir() and not Run(folder).trained:
            say(f"skipped {folder.name}: its training is not finished")
    if not runs:
        raise UserError(
            f"runs={pattern}: no trained run matches ({len(folders)} folders do); "
            f"give a glob of run folders, for example 'runs=outputs/runs/mnist5k-*'"
        )
    return runs


def attacks_on(config: dict[str, Any], cfg: DictConfig) -> dict[str, dict[str, Any]]:
    """The attacks asked for, at the eta and for the images of a run with these settings."""
    eta = config["eta"] if cfg.eta is None else positive_eta(cfg.eta)
    seed = config["seed"] if cfg.seed is None else cfg.seed
    for name, settings in cfg.attacks.items():
        if "source" in settings:
            raise UserError(f"attacks: {name} is made on another run; mvm.train finds it, with attacks=[{name}]")
    whole = OmegaConf.merge(cfg, {"eta": eta, "seed": seed, "images": config["images"]})
    resolved: Any = OmegaConf.to_container(whole.attacks, resolve=True)
    return resolved


def defence(run: Run, config: dict[str, Any], accelerator: str) -> tuple[nn.Module, Images]:
    """The run's classifier with its weights, and its data set, on the device."""
    classifier = build(config["classifier"])
    load_weights(classifier, run.defender)
    where = device(accelerator)
    data = _data(json.dumps({**config["data"], "seed": 0}))  # the seed only orders mini-batches
    data.to(where)
    return classifier.to(where), data


@lru_cache(maxsize=1)
def _data(config: str) -> Images:
    data: Images = build(json.loads(config))
    data.setup()
    return data


def row(run: Run, config: dict[str, Any], eta: float, cell: Cell) -> dict[str, Any]:
    """A line of grid.csv. `profile` is the run's; `eta` that of the evaluation, for clean images too."""
    line = {
        "run": run.folder.name,
        "data": name_of(config["data"]),
        "defense": name_of(config["game"]),
        "seed": config["seed"],
        "profile": config["profile"],
        **cell,
        "eta": eta,
    }
    return {column: line[column] for column in COLUMNS}


def write_csv(path: Path, rows: list[dict[str, Any]]) -> None:
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    entry("evaluate", main)
