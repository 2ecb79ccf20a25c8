"""The record of a run: a folder named by what it computes, filled with whole files only."""

import csv
import hashlib
import json
import os
import shutil
from collections.abc import Collection
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from mvm.errors import UserError
from mvm.whole import write_text, write_whole

ELSEWHERE = ("root", "weights")  # settings that say where things are, not what is computed
NEEDED = {"data", "images", "classifier", "game", "eta", "seed", "profile"}  # in a run's config.yaml
OFF = {"shift": 0, "flip": False}.items()  # settings of data that older runs lack: at these they do not count


def without(settings: Any, names: Collection[str]) -> Any:
    """Settings, nested, but for those of these names."""
    if isinstance(settings, dict):
        return {key: without(value, names) for key, value in settings.items() if key not in names}
    return [without(value, names) for value in settings] if isinstance(settings, list) else settings


def fingerprint(science: dict[str, Any]) -> str:
    """First 8 hex digits of the hash of settings; where files lie does not count."""
    return hashlib.sha256(json.dumps(without(science, ELSEWHERE), sort_keys=True).encode()).hexdigest()[:8]


def fingerprint_of(config: dict[str, Any]) -> str:
    """The fingerprint of what determines a run's weights: data, classifier, game, seed."""
    return fingerprint(_science(config) | {"seed": config["seed"]})


def _science(config: dict[str, Any]) -> dict[str, Any]:
    data = {key: value for key, value in config["data"].items() if (key, value) not in OFF}
    return {"data": data, "classifier": config["classifier"], "game": config["game"]}


def name_of(config: dict[str, Any]) -> str:
    """The name of a data set, game or attack is its file's: mvm.games.minimax.Minimax is `minimax`."""
    return config["_target_"].split(".")[-2]


def but_for_seed(config: dict[str, Any]) -> Any:
    """What determines the weights, without seeds and without the run that it starts from (of the same seed).

    Nor with what only a network's `fit` reads, which a game that trains it does not call.
    """
    return without(_trained_by(config), ("seed", "source", "root"))


def _trained_by(config: dict[str, Any]) -> dict[str, Any]:
    """What determines the weights but the seed, without what only a network's `fit` reads. A copy."""
    kept: dict[str, Any] = without(_science(config), ())
    networks = (kept["game"].get("attack"), *kept["game"].get("members", {}).values())
    for network in networks if name_of(kept["game"]) != "attnet" else ():  # whose own these settings are
        for unread in ("iterations", "batch_size"):
            (network or {}).pop(unread, None)
    return kept


def _alike(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether these settings make the same weights."""
    return fingerprint(_trained_by(one)) == fingerprint(_trained_by(other)) and one["seed"] == other["seed"]


def history(file: Any) -> list[dict[str, float]]:
    """The rows of a history.csv or rounds.csv (a path, or a member of a zip); none where it is missing."""
    if not file.exists():
        return []
    with file.open() as lines:
        return [{name: float(value) for name, value in row.items() if value} for row in csv.DictReader(lines)]


class Run:
    """outputs/runs/<data>-<game>-eta<eta>-seed<seed>-<fingerprint>/

    config.yaml           the resolved settings
    last.ckpt             Lightning's checkpoint, from which a killed run goes on
    history.csv           one row a checkpoint
    defender.safetensors  u, once training is over (attacker.safetensors: v)
    cells/*.json          one score each; on 2,500 of the test images, say, in cells-2500
    checks/*.json         what mvm.evaluate's own attacks found on the defender (mvm.recorded)
    metrics.json          everything above in short; `complete: true` once all is done

    The fingerprint covers what determines the weights: data, classifier, game, seed. A game that does
    not use eta has one fingerprint for every eta.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config_file = folder / "config.yaml"
        self.checkpoint = folder / "last.ckpt"
        self.history = folder / "history.csv"
        self.defender = folder / "defender.safetensors"
        self.attacker = folder / "attacker.safetensors"
        self.metrics_file = folder / "metrics.json"

    @classmethod
    def of(cls, config: dict[str, Any]) -> "Run":
        """The run of a resolved configuration (`mvm.schema.Train`)."""
        names = f"{name_of(config['data'])}-{name_of(config['game'])}"
        folder = f"{names}-eta{config['eta']:g}-seed{config['seed']}-{fingerprint_of(config)}"
        return cls(Path(config["outputs"]) / "runs" / folder)

    @property
    def fingerprint(self) -> str:
        return self.folder.name.rsplit("-", 1)[-1]

    @property
    def trained(self) -> bool:
        return self.defender.exists()

    @property
    def complete(self) -> bool:
        return self.trained and self.metrics_file.exists() and bool(self.metrics().get("complete"))

    @property
    def rounds(self) -> list[Path]:
        """The classifiers that cat and mouse kept, in order: of round 0, the source, and of each after it."""
        return sorted((self.folder / "rounds").glob("*.safetensors"), key=lambda file: int(file.stem))

    def round(self, k: int | None) -> Path:
        """The classifier that cat and mouse kept after round k (negative: from the end); None: the defender."""
        if k is None:
            return self.defender
        kept = self.rounds
        if not -len(kept) <= k < len(kept):
            raise UserError(f"{self.folder} keeps {len(kept)} rounds, the first being 0: there is no round {k}")
        return kept[k]

    def twin(self, config: dict[str, Any]) -> "Run | None":
        """A trained run of the same weights: for another eta, where the game does not use it, or of settings that
        differ in what only scoring reads of the game's attack networks.
        """
        data, game, _, seed, _ = self.folder.name.rsplit("-", 4)
        for folder in sorted(self.folder.parent.glob(f"{data}-{game}-eta*-{seed}-*")):
            other = Run(folder)
            with suppress(UserError):  # one without settings is nobody's twin
                if folder != self.folder and other.trained and _alike(other.config(), config):
                    return other
        return None

    def begin(self, config: dict[str, Any]) -> None:
        """Make the folder and write the settings down; take the weights of a twin if there is one, but by force."""
        keep = {
            k: v for k, v in config.items() if k not in ("force", "outputs", "budgets", "logger", "trainer", "exhibit")
        }
        write_text(self.config_file, yaml.safe_dump(keep, sort_keys=False))
        twin = None if self.trained or config["force"] else self.twin(config)
        if twin:
            # the defender last: it says "trained"
            for source in (twin.history, twin.checkpoint, twin.attacker, twin.defender):
                if source.exists():  # a checkpoint is no longer needed, and may have been deleted
                    write_whole(self.folder / source.name, partial(shutil.copy, source))

    @property
    def lock(self) -> Path:
        """What to hold while the run is worked on (`mvm.lock`)."""
        folder = Path(os.path.abspath(self.folder))  # a link stays one
        return folder.parent.parent / "locks" / folder.name

    @property
    def lock_of_twins(self) -> Path:
        """What to hold while the weights are made, which are the same for every eta of a game that does not use it."""
        data, game, _, seed, science = self.folder.name.rsplit("-", 4)
        return self.lock.with_name(f"{data}-{game}-{seed}-{science}")

    def clear(self) -> None:
        if self.folder.exists():
            shutil.rmtree(self.folder)

    def config(self) -> dict[str, Any]:
        """The settings this run was made with. Raises `UserError` where there are none."""
        try:
            config = yaml.safe_load(self.config_file.read_text())
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as why:
            raise UserError(
                f"{self.folder} is not a run's folder: cannot read its config.yaml ({' '.join(str(why).split())})"
            ) from why
        if not isinstance(config, dict) or not config.keys() >= NEEDED:
            raise UserError(f"{self.config_file} is not the config of a run")
        return config

    def metrics(self) -> dict[str, Any]:
        try:
            return json.loads(self.metrics_file.read_text())
        except ValueError as why:
            raise UserError(f"{self.metrics_file} is damaged ({why}); delete it to score the run again") from why

    def write_metrics(self, metrics: dict[str, Any]) -> None:
        text = json.dumps(metrics, indent=2) + "\n"
        write_text(self.metrics_file, text)
