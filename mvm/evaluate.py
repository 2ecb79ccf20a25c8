"""Score saved defenders against attacks, without training them again.

python -m mvm.evaluate 'runs=outputs/runs/mnist5k-*' 'attacks=[none,fgsm,pgd,attnet]'
"""

import csv
import glob
import json
from contextlib import suppress
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf
from torch import nn

from mvm.audit.checks.verdict import FAIL, badges, of_cell
from mvm.audit.table import table
from mvm.build import build, device, positive_eta
from mvm.cells import cells
from mvm.cli import entry
from mvm.data.images import Images
from mvm.errors import UserError
from mvm.grid import Line, add_grid_checks, findings
from mvm.inspection import inspect
from mvm.record import Run, name_of
from mvm.terminal import console, say
from mvm.weights import load_weights
from mvm.whole import write_whole

COLUMNS = (
    "run",
    "data",
    "defense",
    "attack",
    "eta",
    "box",
    "seed",
    "profile",
    "error",
    "n",
    "ci_low",
    "ci_high",
    "checks",
)


def main(cfg: DictConfig, overrides: list[str]) -> None:
    lines: list[Line] = []
    skipped: list[str] = []
    runs = find_runs(cfg.runs)
    for run in runs:
        try:
            lines.append(line_of(run, cfg, runs))
        except UserError as why:  # one damaged run does not sink the grid
            say(f"skipped {run.folder.name}: {why}")
            skipped.append(run.folder.name)
    if lines:
        add_grid_checks(lines)
        rows = [row(line, name) for line in lines for name in line.cells]
        console.print(table((line.title, line.marked()) for line in lines))
        for text in findings(lines):
            say(text)
        path = Path(cfg.outputs) / "grid.csv"
        write_whole(path, lambda temporary: write_csv(temporary, rows))
        print(path)
    if skipped:
        raise UserError(f"{len(skipped)} of {len(runs)} runs were skipped, see above: {', '.join(skipped)}")


def line_of(run: Run, cfg: DictConfig, runs: list[Run]) -> Line:
    """Score and check one run."""
    config = run.config()
    eta = config["eta"] if cfg.eta is None else cfg.eta
    load = partial(defence, run, config, cfg.trainer.accelerator)
    scores = cells(run, attacks_on(config, cfg), load)
    undefended = name_of(config["game"]) == "undefended"
    other = surrogate(run, config, runs)
    loader = (other.fingerprint, lambda: defence(other, other.config(), cfg.trainer.accelerator)[0]) if other else None
    found = inspect(run, scores, load, eta=eta, undefended=undefended, surrogate=loader)
    return Line(run, config, eta, scores, found)


def surrogate(run: Run, config: dict[str, Any], runs: list[Run]) -> Run | None:
    """An undefended run of the grid on the same data, whose adversarial images are tried on this one."""
    for other in runs:
        if other.folder != run.folder and "-undefended-" in other.folder.name:
            with suppress(UserError):
                if name_of(other.config()["data"]) == name_of(config["data"]):
                    load_weights(build(other.config()["classifier"]), other.defender)
                    return other
    return None


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


def row(line: Line, name: str) -> dict[str, Any]:
    """A line of grid.csv. `profile` is the run's; `eta` that of the evaluation, for clean images too.

    checks: ids of failed checks (with !) and of warnings. A failed check makes the error a bound, ">=0.0123".
    """
    cell, config = line.cells[name], line.config
    found = of_cell(line.checks, name)
    out = {
        "run": line.run.folder.name,
        "data": name_of(config["data"]),
        "defense": name_of(config["game"]),
        "seed": config["seed"],
        "profile": config["profile"],
        **cell,
        "eta": line.eta,
        "checks": badges(found),
    }
    if any(check.verdict == FAIL for check in found):
        out["error"] = f">={cell['error']:.4f}"
    return {column: out[column] for column in COLUMNS}


def write_csv(path: Path, rows: list[dict[str, Any]]) -> None:
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    entry("evaluate", main)
