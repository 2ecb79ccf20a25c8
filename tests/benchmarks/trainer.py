"""What training through Lightning costs beside a bare loop of the same iterations: `make bench`.

python -m tests.benchmarks.trainer [busy] [GAME...]: every game of conf/game, at the narrow nets of `short`, in
mini-batches of 128. After each block of 10 iterations in the Trainer, with the callback that shows a run, comes the
same block in a bare loop, which draws its mini-batches from the same function and has the same optimisers. Both end
at the same weights, bit for bit, or this says so and stops. Validation and checkpoints are left out.
"""

import sys
import tempfile
from collections.abc import Iterator

import pytorch_lightning as pl
import torch

from mvm.build import build
from mvm.data.batches import Batch, batches
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


class BareTurn(pl.Callback):
    """After each of Lightning's blocks the same block of `game`, which has its own optimisers and no Trainer."""

    def __init__(self, game: Game, stream: Iterator[Batch], clock: Clock) -> None:
        self.game, self.stream, self.clock = game, stream, clock
        self.ours: list[float] = []
        self.theirs: list[float] = []
        made = game.configure_optimizers()
        game.optimizers = lambda: made  # type: ignore[method-assign]
        game.train()

    def on_train_start(self, trainer: pl.Trainer, _: pl.LightningModule) -> None:
        self.game.trainer = trainer  # cat and mouse asks for the run's folder
        self.at = self.clock()

    def on_train_batch_end(self, *_: object) -> None:
        end = self.clock()
        for _i in range(BLOCK):
            reseed(derive(self.game.seed, self.game.iteration), self.game.device)
            self.game.iterate(*next(self.stream))
            self.game.iteration += 1
        now = self.clock()
        self.ours.append(1000 * (end - self.at) / BLOCK)
        self.theirs.append(1000 * (now - end) / BLOCK)
        self.at = now


def compare(name: str, data: MNIST5k, clock: Clock, where: str) -> Row:
    game, twin = game_of(name), game_of(name)
    turn = BareTurn(twin, batches(data.train.x, data.train.y, data.batch_size, data.seed), clock)
    with tempfile.TemporaryDirectory() as folder:
        trainer = pl.Trainer(
            accelerator="cpu", max_epochs=1, default_root_dir=folder, logger=False, enable_checkpointing=False,
            callbacks=[Watch(lambda *_: None, lambda _: None), turn], enable_progress_bar=False,
            enable_model_summary=False, num_sanity_val_steps=0, limit_val_batches=0, inference_mode=False,
        )  # fmt: skip
        trainer.fit(game, datamodule=data)
    theirs = dict(twin.named_parameters())
    changed = [n for n, p in game.named_parameters() if not torch.equal(p, theirs[n])]
    if changed or game.iteration != twin.iteration:
        raise SystemExit(f"{name}: Lightning's loop and the bare one do not end at the same weights: {changed}")
    return row(f"mnist/trainer-{name}:bare", turn.ours[1:], turn.theirs[1:], 1.03, where)


if __name__ == "__main__":
    clock, where = begin()
    images = MNIST5k()
    images.setup()
    games = options("game")
    for name in [g for g in games if g in sys.argv] or games:
        write([compare(name, images, clock, where)])
