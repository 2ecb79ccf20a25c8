"""Solved games (u, v) and the best responses to either player, each found once and kept in the run's folder."""

import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from mvm.attacks.attack import Attack
from mvm.attacks.attacked import attacked
from mvm.attacks.loss import cross_entropy
from mvm.audit.best_defence import best_defence
from mvm.build import build
from mvm.data.images import Images
from mvm.digest import digest_of
from mvm.errors import UserError
from mvm.record import Run, fingerprint, name_of
from mvm.saved import defence
from mvm.terminal import bar, duration, say
from mvm.weights import load_weights, save_weights
from mvm.whole import write_whole

HIDDEN = 300  # units a layer of the networks that may start from v


@dataclass
class Solved:
    """A run of a game with an attack network. settings: of the audit, resolved at the run's eta and seed."""

    run: Run
    config: dict[str, Any]
    settings: dict[str, Any]
    accelerator: str

    @property
    def kind(self) -> str:
        return name_of(self.config["game"])

    @cached_property
    def defender(self) -> nn.Module:
        """u, in eval mode."""
        classifier, self.data = defence(self.run, self.config, self.accelerator)
        return classifier.eval()

    @cached_property
    def data(self) -> Images:
        return defence(self.run, self.config, self.accelerator)[1]

    @cached_property
    def attacker(self) -> Any:
        """v, as the attack that the game was played with."""
        attack = build(self.config["game"]["attack"])
        load_weights(attack.net, self.run.attacker)
        attack.net.to(self.data.test.x.device)
        return attack

    def attacked(self) -> np.ndarray:
        """The losses of u against the best attack found, f(u, v*(u)), one a test image; kept in gap/*.npz.

        An attack that can start one of its networks from v (`warm`) does so where v is of the same shape.
        """
        settings = dict(self.settings["attack"])
        if "box" in settings:  # AutoAttack's images are always boxed
            settings["box"] = self.attacker.box
        path = self._kept("attack", settings, [self.run.defender, self.run.attacker], ".npz")
        if not path.exists():
            start = time.perf_counter()
            mine = self.config["game"]["attack"]
            alike = mine["hidden"] == HIDDEN and mine.get("architecture", "mlp") == "mlp"
            if "warm" in settings and "mlp" in settings["architectures"] and alike:
                settings["warm"] = str(self.run.attacker)
            attack: Attack = build(settings)
            train, val = self.data.train, self.data.val
            with bar(f"the best attack on {self.kind}") as progress:
                attack.fit(self.defender, train.x, train.y, progress, val=(val.x, val.y))
            found = losses(self.defender, attack, self.data)
            write_whole(path, lambda temporary: _write(temporary, found))
            say(f"  the best attack on {self.run.folder.name}: risk {found.mean():.4f}   ({_since(start)})")
        return np.load(path)["losses"]

    def answer(self) -> nn.Module:
        """u*(v): the best defence found against v; kept in gap/*.safetensors."""
        settings = self.settings["defence"]
        path = self._kept("answer", settings, [self.run.defender, self.run.attacker], ".safetensors")
        if not path.exists():
            start, train, val = time.perf_counter(), self.data.train, self.data.val
            given = self.defender, self.attacker.net, train.x, train.y, (val.x, val.y)
            with bar(f"the best defence against {self.kind}") as progress:
                save_weights(best_defence(*given, **settings, progress=progress), path)
            say(f"  the best defence against {self.run.folder.name}   ({_since(start)})")
        classifier: nn.Module = build(self.config["classifier"])
        load_weights(classifier, path)
        return classifier.to(self.data.test.x.device).eval()

    def _kept(self, what: str, settings: dict[str, Any], weights: list[Path], suffix: str) -> Path:
        """The file of a response with these settings to players with these weights."""
        asked = fingerprint(settings | {"of": [digest_of(path) for path in weights]})
        return self.run.folder / "gap" / f"{what}-{asked}{suffix}"


def solved(run: Run, config: dict[str, Any]) -> bool:
    """Whether a run has one attack network beside its defender."""
    return run.attacker.exists() and "attack" in config["game"]


def sets(games: list[Solved]) -> list[dict[str, Solved]]:
    """The games that can be compared, {name: game}: of the same images, classifier, eta, box and seed.

    A name is the game's kind, with the run's fingerprint where there are two of a kind.
    """
    groups: dict[str, list[Solved]] = {}
    for game in games:
        c = game.config
        alike = [name_of(c["data"]), c["classifier"], c["eta"], c["game"]["attack"]["box"], c["seed"]]
        groups.setdefault(str(alike), []).append(game)
    out = []
    for group in groups.values():
        kinds = [game.kind for game in group]
        double = {kind for kind in kinds if kinds.count(kind) > 1}
        out.append({g.kind + (f"-{g.run.fingerprint}" if g.kind in double else ""): g for g in group})
    return out


def losses(classifier: nn.Module, attack: Attack, data: Images) -> np.ndarray:
    """The cross-entropy of each test image under attack, (N,): their mean is the risk, Eq. (3)."""
    out = []
    with attacked(classifier), torch.no_grad():
        for x, y in data.test.chunks():
            with torch.enable_grad():
                z = attack(classifier, x, y)
            out.append(cross_entropy(classifier(z), y).cpu())
    found = torch.cat(out).double().numpy()
    if not np.isfinite(found).all():
        raise UserError("a loss on the test images is not finite: the duality gap cannot be measured")
    return found


def _since(start: float) -> str:
    return duration(time.perf_counter() - start)


def _write(path: Path, found: np.ndarray) -> None:
    with open(path, "wb") as file:
        np.savez_compressed(file, losses=found)
