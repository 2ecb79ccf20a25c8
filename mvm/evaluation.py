"""What mvm.evaluate does: the grid of saved defenders and attacks, or how far solved games are from an equilibrium."""

import csv
import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from shlex import quote
from typing import Any

from omegaconf import DictConfig, OmegaConf

from mvm.audit import means
from mvm.audit.cell import Cell
from mvm.audit.checks.verdict import FAIL, badges, of_cell
from mvm.audit.markdown import page
from mvm.audit.table import table
from mvm.build import check_test_images, positive_eta
from mvm.cells import cells, kept_cell
from mvm.digest import digest_of
from mvm.equilibrium import measure, show, write
from mvm.errors import UserError
from mvm.grid import Line, add_grid_checks, findings, more_apart, silences, tally, tell_apart
from mvm.inspection import Other, inspect
from mvm.lock import alone
from mvm.record import Run, history, name_of
from mvm.recorded import checks_of
from mvm.saved import copy_of, defence, find_runs, surrogate
from mvm.solved import Solved, sets, solved
from mvm.terminal import console, say
from mvm.tf32 import tf32
from mvm.untried import lacking, untried
from mvm.whole import write_text, write_whole

COLUMNS = (
    "run",
    "data",
    "defense",
    "variant",
    "settings",
    "attack",
    "eta",
    "box",
    "seed",
    "profile",
    "attack_profile",
    "error",
    "n",
    "ci_low",
    "ci_high",
    "checks",
    "training_s",
)


@tf32(False)
def main(cfg: DictConfig, overrides: list[str]) -> None:
    if cfg.audit is None:
        grid(cfg, " ".join(["python -m mvm.evaluate", *map(quote, overrides)]))
    else:
        gap(cfg)


def gap(cfg: DictConfig) -> None:
    """audit=gap: the duality gap and Lemma 1 of the runs that have an attack network; gap.json and gap.md."""
    if cfg.eta is not None:
        raise UserError(f"audit=gap eta={cfg.eta}: a game is solved at the eta that it was played at; leave eta out")
    if cfg.test_images is not None:
        raise UserError(f"audit=gap test_images={cfg.test_images}: the gap needs all of them; leave test_images out")
    if "source" in cfg.audit.attack:
        raise UserError(
            "attack@audit.attack: a sample set is made on another run; attnet_risk, attnet_best, pgd, ... are made on "
            f"each; given is one made on game={cfg.audit.attack.source}"
        )
    games = []
    for run in find_runs(cfg.runs):
        config = run.config()
        if solved(run, config):
            settings = resolved(cfg, config, "audit")
            games.append(Solved(run, config, settings, cfg.trainer.accelerator))
        else:
            say(f"left out {run.folder.name}: it has no attack network of its own")
    if not games:
        raise UserError(
            f"runs={cfg.runs} audit=gap: none of these runs has an attack network; "
            f"train some, for example: python -m mvm.train -m game=minimax,alt,maximin"
        )
    found = []
    for games_of in sets(games):
        found.append(measure(games_of))
        show(found[-1])
    print(write(found, Path(cfg.outputs)))


def grid(cfg: DictConfig, command: str) -> None:
    """Score every run against every attack, check, show, and write: grid.csv, grid.md, and every check's numbers."""
    check_test_images(cfg.test_images)
    if not cfg.attacks:
        raise UserError("attacks=[]: nothing to score; name some, for example 'attacks=[none,noise,fgsm,pgd]'")
    lines: list[Line] = []
    skipped: list[str] = []
    runs = find_runs(cfg.runs)
    for run in runs:
        try:
            with alone_with(run):
                lines.append(line_of(run, cfg, runs))
        except UserError as why:  # one damaged run does not sink the grid
            say(f"skipped {run.folder.name}: {why}")
            skipped.append(run.folder.name)
    if lines:
        others = sorted({line.config["profile"] for line in lines} - {cfg.profile})
        if others:
            say(f"attacks of profile={cfg.profile}; of the runs some were trained with profile={', '.join(others)}")
        tell_apart(lines)
        add_grid_checks(lines, cfg.runs)
        console.print(table((line.title, line.marked()) for line in lines))
        found = [*more_apart(lines), *findings(lines), *silences(lines)]
        for one in found:
            say(one)
        with alone(Path(cfg.outputs) / "locks" / "grid"):  # its files belong together
            write_grid(lines, found, Path(cfg.outputs), command)
    if skipped:
        raise UserError(f"{len(skipped)} of {len(runs)} runs were skipped, see above: {', '.join(skipped)}")


@contextmanager
def alone_with(run: Run) -> Iterator[None]:
    """Nobody trains or scores the run meanwhile: as far as one may write there, and where trainings put their runs."""
    with ExitStack() as held:
        if run.folder.absolute().parent.name == "runs":
            with suppress(OSError):
                held.enter_context(alone(run.lock))
        yield


def write_grid(lines: list[Line], found: list[str], outputs: Path, command: str) -> None:
    """checks.json, grid.md and grid.csv; says what is in the first, and prints the path of the last."""
    checks = outputs / "checks.json"
    everything = [{"run": line.run, "eta": line.eta} | check.as_dict() for line in lines for check in line.judged]
    write_text(checks, json.dumps(everything, indent=1) + "\n")
    say(f"{tally(check for line in lines for check in line.judged)}; the numbers of each: {checks}")
    rows = [row(line, name) for line in lines for name in line.cells]
    text = page(command, [(line.title, line.marked(), line.seconds) for line in lines], found)
    if len({line.kind for line in lines}) < len(lines):
        text += f"\n## Mean over seeds, smallest and largest\n\n{means.table(rows)}\n"
    write_text(outputs / "grid.md", text)
    write_whole(outputs / "grid.csv", lambda temporary: write_csv(temporary, rows))
    print(outputs / "grid.csv")


def line_of(run: Run, cfg: DictConfig, runs: list[Run]) -> Line:
    """Score and check one run."""
    config = run.config()
    eta = config["eta"] if cfg.eta is None else cfg.eta
    load = partial(defence, run, config, cfg.trainer.accelerator, cfg.test_images)
    scores = cells(run, attacks_on(config, cfg), load, test_images=cfg.test_images)
    scores |= own(run, config, eta, cfg.test_images)

    def other(found: Run | None) -> Other | None:
        if found is None:
            return None
        return found.fingerprint, lambda: defence(found, found.config(), cfg.trainer.accelerator)[0]

    others = {"surrogate": other(surrogate(run, config, runs)), "copy": other(copy_of(run, config, runs))}
    images = resolved(cfg, config, "budget")["probe"]
    found = inspect(
        run, scores, load, game=config["game"], eta=eta, images=images, test_images=cfg.test_images, **others
    )
    rows = history(run.history)
    checks = checks_of(scores, found, game=config["game"], weights=digest_of(run.defender), history=rows)
    checks += lacking(scores, config["game"], rows)
    needs = {"E07": others["surrogate"], "E31": others["copy"]}
    checks += [untried(id, cfg.runs) for id, needed in needs.items() if needed is None]
    seconds = rows[-1]["seconds"] if rows else 0.0
    return Line(run.folder.name, config, eta, scores, checks, seconds, cfg.profile).with_worst()


def own(run: Run, config: dict[str, Any], eta: float, test_images: int | None) -> dict[str, Cell]:
    """What mvm.train scored of the attacker that the defender was trained with, if at this eta and on these images."""
    if "attack" not in config["game"]:
        return {}
    if config["eta"] != eta:
        say(f"{run.folder.name}: own was scored at its eta, {config['eta']:g}, not shown at {eta:g}")
        return {}
    cell = kept_cell(run, "own", config["game"]["attack"], test_images)
    if cell:
        return {"own": cell}
    elsewhere = ", ".join(sorted({file.parent.name for file in run.folder.glob("cells*/own-*.json")}))
    if elsewhere:
        say(f"{run.folder.name}: own was scored on other images or weights ({elsewhere}; test_images=), not shown")
    return {}


def attacks_on(config: dict[str, Any], cfg: DictConfig) -> dict[str, dict[str, Any]]:
    """The attacks asked for, at the eta and for the images of a run with these settings."""
    for name, settings in cfg.attacks.items():
        if "source" in settings:
            raise UserError(f"attacks: {name} is made on another run; mvm.train finds it, with attacks=[{name}]")
    return resolved(cfg, config, "attacks")


def resolved(cfg: DictConfig, config: dict[str, Any], key: str) -> dict[str, Any]:
    """A part of the settings as plain data, at the eta and seed of a run unless others are given, for its images."""
    eta = config["eta"] if cfg.eta is None else positive_eta(cfg.eta)
    seed = config["seed"] if cfg.seed is None else cfg.seed
    whole = OmegaConf.merge(cfg, {"eta": eta, "seed": seed, "images": config["images"]})
    plain: Any = OmegaConf.to_container(OmegaConf.select(whole, key), resolve=True)
    return plain


def row(line: Line, name: str) -> dict[str, Any]:
    """A line of grid.csv. `profile` is the run's, `attack_profile` that of the evaluation's settings; `eta` that of the
    evaluation, for clean images too.

    variant: what tells it from the grid's other runs of that game; settings: alike where only the seed differs.
    checks: ids of failed checks (with !) and of warnings. A failed check makes the error a bound, ">=0.0123".
    """
    cell, config = line.cells[name], line.config
    found = of_cell(line.checks, name)
    out = {
        "run": line.run,
        "data": name_of(config["data"]),
        "defense": name_of(config["game"]),
        "variant": f"{line.more}{line.trained_at}".strip(),
        "seed": config["seed"],
        "profile": config["profile"],
        "attack_profile": config["profile"] if name == "own" else line.profile,
        **cell,
        "settings": line.kind[0],  # not the attack's, which the cell has under this name
        "eta": line.eta,
        "checks": badges(found),
        "training_s": round(line.seconds),
    }
    if any(check.verdict == FAIL for check in found):
        out["error"] = f">={cell['error']:.4f}"
    return {column: out[column] for column in COLUMNS}


def write_csv(path: Path, rows: list[dict[str, Any]]) -> None:
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
