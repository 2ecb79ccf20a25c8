"""What every game is: a LightningModule that chooses the defender's u, and the attacker's v if it has one."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, cycle, islice
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from mvm.attacks.attack import Attack, wrong
from mvm.data.batches import BLOCK, Batch
from mvm.errors import UserError
from mvm.games.course import check_course, rate, reach, shrunk
from mvm.games.probe import pgd_error, sensitivity
from mvm.graphed import Graphed, alike, fuse, set_rate, set_seed
from mvm.leader_follower import Player
from mvm.numbers import check_whole
from mvm.risk import risk
from mvm.seeding import derive, reseed
from mvm.tf32 import tf32

Optimizer = Callable[..., torch.optim.Optimizer]  # (parameters, lr=) -> optimiser
ADVICE = "Try smaller learning rates (game.lambda_, game.sigma) or a smaller game.gamma"


class Game(pl.LightningModule, ABC):
    """Manual optimisation; one game iteration is one call of `iterate`.

    Lightning hands over blocks of mini-batches (`mvm.data.batches.Blocks`). We count iterations
    ourselves: Lightning's `global_step` counts optimiser steps, two per iteration of a two-player game, and none that
    a GPU replays.
    Random numbers (dropout) are a function of (seed, iteration), so that a resumed run equals an
    uninterrupted one.

    defender: the classifier g(x; u). attack: the learned attack whose `net` is the attacker z(x; v), or None.
    against: the fixed attack that the game trains on, or None. lambda_schedule, warm_up: see `mvm.games.course`.
    """

    attack: Attack | None = None
    against: Attack | None = None
    trained: tuple[str, ...] = ("defender",)  # the players that this game changes, and a run keeps
    warms_up = False  # whether the attacker's reach grows in a share of the game
    lambda_: float  # learning rate of u, whose optimiser is the first
    alike = False  # whether all iterations of this very class are the same operations on tensors, whatever
    # `iteration` is: then a GPU may replay one of them
    others = 0  # mini-batches of the block that an iteration is made on beside its own

    def __init__(
        self,
        defender: nn.Module,
        *,
        iterations: int,
        lambda_schedule: str = "constant",
        warm_up: float = 0.0,
        seed: int = 0,
    ) -> None:
        super().__init__()
        check_whole(iterations=iterations)
        check_course(lambda_schedule, warm_up)
        if warm_up and not self.warms_up:
            raise ValueError(
                f"warm_up={warm_up}: {type(self).__name__} gives its attacker the whole of eta from the start; leave "
                f"it out, or play game=minimax, maximin, alt, mixture or pgd_train"
            )
        self.automatic_optimization = False
        self.defender = defender
        self.iterations, self.seed, self.iteration = iterations, seed, 0
        self.lambda_schedule, self.warm_up = lambda_schedule, warm_up
        self.ahead: list[Batch] = []  # the other mini-batches of the block, the next one first
        self.seen: dict[str, Tensor] = {}  # risk and error where `f` was first computed in the iteration: by the leader
        self.replayed: Graphed | None = None  # `_iterate`, once training has begun

    @abstractmethod
    def iterate(self, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        """One iteration on a mini-batch: moves the players; returns detached scalars to record, if any."""

    def prepare(self) -> None:
        """What is to be done before the iteration and not at every one; what a GPU replays is `iterate` alone."""

    def obstacle(self) -> str:
        """Why a GPU cannot replay one recorded iteration for all; empty where it can."""
        if not alike(self):
            return f"{type(self).__name__} does not say of its iterations that they are alike"
        for attack in self.remade():
            if why := attack.obstacle():
                return why
        if reach(self.iteration, self.iterations, self.warm_up) < 1:
            return f"warm_up={self.warm_up:g} changes the attacker's reach, and is not over yet"
        return ""

    @abstractmethod
    def perturb(self, x: Tensor, y: Tensor) -> Tensor:
        """The images that the defender faces in this game, as the attacker stands now."""

    def f(self, z: Tensor, y: Tensor) -> Tensor:
        """Eq. (3) for the current defender; the iteration's first value and the error rate there are kept in `seen`."""
        return self.f_of(self.defender(z), y)

    def gain(self, net: nn.Module, x: Tensor, y: Tensor) -> Tensor:
        """What the attack network `net` climbs, as far as the warm-up lets it go: f, or a gain of its own."""
        logits = self.defender(self.reached(net(x, y), x))
        return getattr(net, "gain", risk)(logits, y)

    def f_of(self, logits: Tensor, y: Tensor) -> Tensor:
        """`f`, given the defender's answers."""
        value = risk(logits, y)
        if not self.seen:  # later ones are at a player that has moved on this mini-batch
            self.seen = {"risk": value.detach(), "error": (logits.detach().argmax(1) != y).float().mean()}
        return value

    def player(self, parameters: Iterable[Tensor], index: int = 0) -> Player:
        """A player, without what is frozen of it, and its optimiser as wrapped by Lightning."""
        return Player([p for p in parameters if p.requires_grad], self._optimizers()[index])

    def training_step(self, block: list[Batch], _: int) -> None:
        """The iterations of a block, on a mini-batch each; Lightning calls it."""
        history: dict[str, list[Tensor]] = {}
        for k, (x, y) in enumerate(block):
            reseed(derive(self.seed, self.iteration), self.device)
            first = k // BLOCK * BLOCK  # the same ones however many blocks are one
            self.ahead = block[k + 1 : first + BLOCK] + block[first:k]
            self._set_rate()
            self._draw_anew()
            self.prepare()
            others = islice(self.other_batches(x, y), self.others)
            self.seen = self._step()(x, y, *chain.from_iterable(others))
            for name, value in self.seen.items():
                history.setdefault(name, []).append(value)
            self.iteration += 1
        block_of = {name: torch.stack(values) for name, values in history.items()}
        self._check_finite(block_of["risk"])
        self.log_dict(
            {name: values.mean() for name, values in block_of.items()},
            on_epoch=True,
            on_step=False,
            logger=False,
            batch_size=1,
        )

    def on_train_start(self) -> None:
        self.replayed = None  # of a training that was broken off
        fuse(*self._optimizers())

    def on_train_end(self) -> None:
        self.replayed = None  # the GPU's memory, for scoring

    def _step(self) -> Graphed:
        """`_iterate`; anew when what was in the way of replaying it no longer is."""
        why = self.obstacle()
        if self.replayed is None or self.replayed.obstacle != why:
            self.replayed = Graphed(self._iterate, self._optimizers(), why)
        return self.replayed

    @tf32()
    def _iterate(self, x: Tensor, y: Tensor, *others: Tensor) -> dict[str, Tensor]:
        """`iterate`, given all that it reads; others: images, labels, images, labels, ..."""
        if others:
            self.ahead = list(zip(others[::2], others[1::2], strict=True))
        self.seen = {}
        more = self.iterate(x, y)
        return self.seen | more

    def _optimizers(self) -> list[Any]:
        optimizers = self.optimizers()
        return optimizers if isinstance(optimizers, list) else [optimizers]

    def _set_rate(self) -> None:
        if self.lambda_schedule != "constant":
            u = self._optimizers()[0]
            set_rate(u, self.lambda_ * rate(self.lambda_schedule, *self.progress()))

    def remade(self) -> list[Attack]:
        """The attacks that the game makes anew at every iteration, beside its own network's."""
        return [self.against] if self.against is not None else []

    def _draw_anew(self) -> None:
        """Attacks that start at random start elsewhere at every iteration (Madry et al.), the same after a resume."""
        for attack in self.remade():
            set_seed(attack, derive(self.seed, self.iteration), self.device)

    def progress(self) -> tuple[int, int]:
        """The iteration, and of how many, by which `lambda_schedule` counts."""
        return self.iteration, self.iterations

    def reached(self, z: Tensor, x: Tensor) -> Tensor:
        """z as far from x as the warm-up of eta lets the attacker go by now."""
        return shrunk(z, x, reach(self.iteration, self.iterations, self.warm_up))

    def other_batches(self, x: Tensor, y: Tensor) -> Iterator[Batch]:
        """Without end, the other mini-batches of the block; (x, y) where there is no other."""
        return cycle(self.ahead or [(x, y)])

    def _check_finite(self, risks: Tensor) -> None:
        bad = (~torch.isfinite(risks)).nonzero()
        if len(bad):
            at = self.iteration - len(risks) + int(bad[0])
            raise UserError(
                f"the risk became {risks[bad[0]].item()} at iteration {at + 1} of {self.iterations}; the last good "
                f"checkpoint is kept. {ADVICE}"
            )

    def check_players(self) -> None:
        """Raises `UserError` where a player's parameters are not finite: the last step may have left them so."""
        for name in self.trained:
            if not all(bool(p.isfinite().all()) for p in self.get_submodule(name).parameters()):
                raise UserError(
                    f"the {name} is not finite after iteration {self.iteration} of {self.iterations}; the last good "
                    f"checkpoint is kept. {ADVICE}"
                )

    def validation_step(self, batch: Batch, number: int) -> None:
        x, y = batch
        with torch.enable_grad():  # attacks differentiate
            z = self.perturb(x, y).detach()
        rates = {"val_clean_error": wrong(self.defender, x, y), "val_error": wrong(self.defender, z, y)}
        self.log_dict({name: r.float().mean() for name, r in rates.items()}, logger=False, batch_size=len(x))
        if number == 0:
            self.log_dict(self._probe(x, y), logger=False, batch_size=len(x))

    def faced(self) -> Attack | None:
        """The attack that the defender is trained against; None in a game without one, which has no eta."""
        return self.attack or self.against

    def _probe(self, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        faced, out = self.faced(), {}
        if faced is not None and "defender" in self.trained:
            out["val_pgd_error"] = pgd_error(self.defender, faced, x, y)
        if self.attack is not None:
            out["val_sensitivity"] = sensitivity(self.defender, self.get_submodule("attacker"), x, y)
        return out

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["iteration"] = self.iteration

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self.iteration = checkpoint["iteration"]
