"""Train a defender by a game, score it on the test set, keep the record.

python -m mvm.train game=minimax data=cifar10 eta=0.2
"""

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import hydra
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig, OmegaConf

from mvm.audit.table import table
from mvm.cli import entry
from mvm.errors import UserError
from mvm.play import play
from mvm.record import Run, name_of
from mvm.schema import CONF, positive_eta
from mvm.terminal import console, say


def main(cfg: DictConfig, overrides: list[str]) -> None:
    run = train(resolved(cfg), overrides)
    print(run.folder)


def resolved(cfg: DictConfig) -> dict[str, Any]:
    """The settings as plain data. Raises `UserError` for an eta that no game can be played at."""
    positive_eta(cfg.eta)
    config: Any = OmegaConf.to_container(cfg, resolve=True)
    return config


def train(config: dict[str, Any], overrides: list[str]) -> Run:
    """The run of these settings: made, gone on with, or found complete. Prints its table."""
    source = None
    if "source" in config["game"]:
        source = find_source(config["game"]["source"], overrides)
        config["game"]["source"] = source.fingerprint  # what was computed, not where it lies
    run = Run.of(config)
    if config["force"]:
        run.clear()
    cells = play(run, config, source)
    if cells:
        say(run.metrics()["threat"])
        console.print(table([(name_of(config["game"]), cells)]))
    return run


def find_source(named: str | None, overrides: list[str]) -> Run:
    """The trained run that a game starts from: the named folder's, or the undefended one of the same settings.

    The undefended run is trained here if it is missing, but not scored.
    """
    if named:
        run = Run(Path(named))
        if not run.trained:
            raise UserError(f"game.source={named}: no trained run is there (no {run.defender.name})")
        return run
    same = [o for o in overrides if not o.lstrip("+~").startswith(("game", "attack=", "attack.", "force"))]
    inside = GlobalHydra.instance().is_initialized()  # not so in the worker processes of some launchers
    with nullcontext() if inside else hydra.initialize_config_dir(str(CONF), version_base="1.3"):
        config = resolved(hydra.compose("train", [*same, "game=undefended"]))
    run = Run.of(config)
    twin = run if run.trained else run.twin()
    if twin:
        return twin
    say("First the undefended classifier, which this game starts from:")
    play(run, {**config, "attacks": {}}, None)
    return run


if __name__ == "__main__":
    entry("train", main)
