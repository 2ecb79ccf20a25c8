"""What mvm.train does: find or make the runs that a game builds on, play it, score it, keep the record."""

import gc
import re
from contextlib import nullcontext
from pathlib import Path
from shlex import quote
from typing import Any

import hydra
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from mvm.audit.cell import Cell
from mvm.audit.checks.verdict import FAIL, WARN
from mvm.audit.table import table
from mvm.build import check_test_images, positive_eta
from mvm.cpu import give_back
from mvm.digest import digest_of
from mvm.entries import check_exhibit, note_entry
from mvm.errors import UserError
from mvm.grid import Line, findings
from mvm.play import play, try_settings
from mvm.record import Run, fingerprint_of, name_of
from mvm.recorded import judged
from mvm.rounds import score_rounds
from mvm.schema import CONF
from mvm.terminal import console, say

INSIDE = re.compile(r"\+*(?P<group>attack|members)[.=]")  # the settings of attacks inside a game
OF_FIT = re.compile(r"\+*(game\.)?(attack|members\.\w+)\.(iterations|batch_size|sigma|optimizer)[.=]")
DRAWN = re.compile(r"\+*(game\.)?(attack|against|members\.\w+)\.seed=")
OF_THIS_GAME = ("game", "recipe", "attack=", "attack.", "members", "force")  # settings that another game has not


def main(cfg: DictConfig, overrides: list[str]) -> None:
    """Train, score and note the run of these settings for its exhibit, if it has one; print its folder."""
    gc.collect()  # the last job of a sweep: its trainer and game hold each other, and so its data, half a GiB of MNIST
    give_back()
    choices = HydraConfig.get().runtime.choices
    if choices.get("recipe") and choices["game"] != "minimax":
        raise UserError(
            f"game={choices['game']} recipe={choices['recipe']}: the recipe is one for game=minimax; game=mixture and "
            f"game=pgd_train have its schedule by themselves"
        )
    config = resolved(cfg)
    check_read(config["game"], overrides)
    if cfg.exhibit:
        check_exhibit(cfg.exhibit, name_of(config["data"]))
    run = train(config, overrides)
    if cfg.exhibit:
        game = HydraConfig.get().runtime.choices["game"]
        note_entry(run, config, cfg.exhibit, game=str(game), overrides=overrides)
    print(run.folder)


def check_read(game: dict[str, Any], overrides: list[str]) -> None:
    """Raises `UserError` for a setting of an attack inside a game that trains it, or starts it, by others.

    That a game plays no such attack at all is said: in a sweep other games may.
    """
    name, plays = name_of(game), {"attack": "attack" in game or "against" in game, "members": "members" in game}
    for override in overrides:
        inside = INSIDE.match(override)
        if inside and not plays[inside["group"]]:
            others = next((f"; its attacks are {other}=..." for other, has in plays.items() if has), "")
            say(f"{override}: game={name} does not read it{others}")
        elif OF_FIT.match(override) and name != "attnet":
            raise UserError(
                f"{override}: is for a network that is trained on a finished defender, as by attacks=[attnet]; "
                f"game={name} trains it with game.sigma, game.iterations, data.batch_size and game.v_optimizer"
            )
        elif DRAWN.match(override):
            raise UserError(f"{override}: game={name} draws anew at every iteration; seed= is the seed of all of it")


def resolved(cfg: DictConfig) -> dict[str, Any]:
    """The settings as plain data. Raises `UserError` for an eta that no game can be played at, or no test image."""
    positive_eta(cfg.eta)
    check_test_images(cfg.test_images)
    config: Any = OmegaConf.to_container(cfg, resolve=True)
    return config


def train(config: dict[str, Any], overrides: list[str]) -> Run:
    """The run of these settings: made, gone on with, or found complete. Prints its table."""
    try_settings(config)
    source = find_sources(config, overrides)
    run = Run.of(config)
    cells = play(run, config, source)
    if cells:
        score_rounds(run, config)
        say(run.metrics()["threat"])
        show(run, config, cells)
    return run


def show(run: Run, config: dict[str, Any], cells: dict[str, Cell]) -> None:
    """The table, its cells struck by what can be judged from the record alone, and what mvm.evaluate once found."""
    line = Line(run.folder.name, config, config["eta"], cells, judged(run, cells, config))
    console.print(table([(name_of(config["game"]), line.marked())]))
    for found in findings([line], (FAIL,)):
        say(found)
    warned = sorted({check.id for check in line.judged if check.verdict == WARN})
    if warned:
        where = judging_command(run, config)
        say(f"warn {' '.join(warned)} (docs/checks.md); what they say, and all other rules: {where}")


def judging_command(run: Run, config: dict[str, Any]) -> str:
    """The command that judges this run under its attacks (at their profile's settings), but for sample sets."""
    attacks = [name for name, settings in config["attacks"].items() if "source" not in settings]
    given = [f"runs={run.folder}", f"attacks=[{','.join(attacks)}]", f"profile={config['profile']}"]
    given += [f"{name}={config[name]}" for name in ("test_images", "outputs") if config[name] not in (None, "outputs")]
    return " ".join(["python -m mvm.evaluate", *map(quote, given)])


def find_sources(config: dict[str, Any], overrides: list[str]) -> Run | None:
    """The run that the game starts from, None if it starts from nothing; it and the attacks' are made if missing.

    What was found is written into the settings: a run's fingerprint, because that is what is computed,
    and the path of the weights that an attack is made on, which no fingerprint counts.
    """
    for settings in config["attacks"].values():
        if "source" in settings:
            run = run_of_game(settings["source"], overrides)
            settings["weights"] = str(run.round(settings["round"]))
            settings["source"] = run.fingerprint
    if "source" not in config["game"]:
        return None
    named = config["game"]["source"]
    source = Run(Path(named)) if named else run_of_game("undefended", overrides)
    if not source.trained:
        raise UserError(f"game.source={named}: no trained run is there (no {source.defender.name})")
    config["game"]["source"] = identity(source)
    return source


def identity(run: Run) -> str:
    """The fingerprint of a run; of weights in a folder that has another name the hash, which no other weights have."""
    try:
        named = fingerprint_of(run.config()) == run.fingerprint
    except UserError:  # weights by themselves
        named = False
    return run.fingerprint if named else digest_of(run.defender)


def run_of_game(game: str, overrides: list[str]) -> Run:
    """The trained run of another game with otherwise the same settings; made here if missing, but not scored."""
    same = [o for o in overrides if not o.lstrip("+~").startswith(OF_THIS_GAME)]
    inside = GlobalHydra.instance().is_initialized()  # not so in the worker processes of some launchers
    with nullcontext() if inside else hydra.initialize_config_dir(str(CONF), version_base="1.3"):
        config = resolved(hydra.compose("train", [*same, f"game={game}"])) | {"attacks": {}}
    source = find_sources(config, overrides)
    run = Run.of(config)
    twin = run if run.trained else run.twin(config)
    if twin:
        return twin
    say(f"First {game}, which this builds on:")
    play(run, config, source)
    return run
