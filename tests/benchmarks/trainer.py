"""What training through Lightning costs beside a bare loop of the same iterations: `make bench`.

python -m tests.benchmarks.trainer [busy] [GAME...]: every game of conf/game, at the narrow nets of `short`, in
mini-batches of 128. After each block of 10 iterations in the Trainer, with the callback that shows a run, comes the
same block in a bare loop, which draws its mini-batches from the same function and has the same optimisers. Both end
at the same weights, bit for bit, or this says so and stops. Validation and checkpoints are left out. Games that
remember their adversarial images (`mvm.games.remembered`) are timed beside the same game that makes them anew, too.
"""

import sys
import tempfile
from collections.abc import Callable

import pytorch_lightning as pl
import torch

from mvm.build import build
from mvm.data.batches import batches
from mvm.data.mnist5k import MNIST5k
from mvm.games.game import Game
from mvm.games.watch import Watch
from mvm.seeding import derive, reseed
from tests.benchmarks.steps import write
from tests.benchmarks.turns import Clock, Row, begin, row
from tests.conftest import compose, options

BLOCK, BLOCKS, ETA = 10, 13, 0.3  # iterations a block; blocks, of which the first does not count


def game_of(name: str, *settings: str) -> Game:
    config = compose(f"game={name}", "data=mnist5k", "profile=short", f"eta={ETA}", *settings)
    torch.manual_seed(0)
    more = {"source": build(config["classifier"])} if "source" in config["game"] else {}
    game: Game = build(config["game"], defender=build(config["classifier"]), **more)
    game.iteration, game.iterations = 0, BLOCK * BLOCKS
    return game


class Turns(pl.Callback):
    """After each of Lightning's blocks a block of each of `others`. times: milliseconds an iteration, by block."""

    def __init__(self, others: dict[str, Callable[[], object]], clock: Clock) -> None:
        self.others, self.clock = others, clock
        self.times: dict[str, list[float]] = {name: [] for name in ("ours", *others)}

    def on_train_start(self, *_: object) -> None:
        self.at = self.clock()

    def on_train_batch_end(self, *_: object) -> None:
        self._took("ours")
        for name, block in self.others.items():
            block()
            self._took(name)

    def _took(self, name: str) -> None:
        before, self.at = self.at, self.clock()
        self.times[name].append(1000 * (self.at - before) / BLOCK)


def trainer_of(turns: Turns, folder: str) -> pl.Trainer:
    return pl.Trainer(
        accelerator="cpu", max_epochs=1, default_root_dir=folder, logger=False, enable_checkpointing=False,
        callbacks=[Watch(lambda *_: None, lambda _: None), turns], enable_progress_bar=False,
        enable_model_summary=False, num_sanity_val_steps=0, limit_val_batches=0, inference_mode=False,
    )  # fmt: skip


def bare(game: Game, data: MNIST5k, anew: bool = False) -> Callable[[], None]:
    """A block of the game's own iterations, with its optimisers as they are and nothing around.

    anew: without a memory of the adversarial images made before.
    """
    made = game.configure_optimizers()
    game.optimizers = lambda: made  # type: ignore[method-assign]
    game.train()
    stream = batches(data.train.x, data.train.y, data.batch_size, data.seed)

    def block() -> None:
        if game.iteration == 0:
            game.on_train_start()
        images = [next(stream) for _ in range(BLOCK)]
        for k, (x, y) in enumerate(images):
            reseed(derive(game.seed, game.iteration), game.device)
            game.ahead = images[k + 1 :] + images[:k]
            game._set_rate()
            game._draw_anew()
            game.prepare()
            if anew:
                game.memory = None
            game.iterate(x, y)
            game.iteration += 1

    return block


def compare(name: str, data: MNIST5k, clock: Clock, where: str) -> list[Row]:
    game, twins = game_of(name), {"bare": game_of(name)}
    if hasattr(game, "memory"):
        twins["anew"] = game_of(name)
    turns = Turns({side: bare(twin, data, anew=side == "anew") for side, twin in twins.items()}, clock)
    with tempfile.TemporaryDirectory() as folder:
        trainer = trainer_of(turns, folder)
        for twin in twins.values():
            twin.trainer = trainer  # for the run's folder and the data
        trainer.fit(game, datamodule=data)
    for side, twin in twins.items():
        theirs = dict(twin.named_parameters())
        changed = [n for n, p in game.named_parameters() if not torch.equal(p, theirs[n])]
        if changed or game.iteration != twin.iteration:
            raise SystemExit(f"{name}: Lightning's loop and the {side} one do not end at the same weights: {changed}")
    times, first = turns.times, len(data.train.y) // data.batch_size // BLOCK + 1  # the first epoch is made anew
    rows = [row(f"mnist/trainer-{name}:bare", times["ours"][1:], times["bare"][1:], 1.03, where)]
    if "anew" in twins:
        rows.append(row(f"mnist/remembered-{name}:anew", times["ours"][first:], times["anew"][first:], None, where))
    return rows


if __name__ == "__main__":
    timer, where = begin()
    images = MNIST5k()
    images.setup()
    games = options("game")
    for name in [g for g in games if g in sys.argv] or games:
        write(compare(name, images, timer, where))
