"""What training through Lightning costs, and beside other libraries: `make bench`. Rows go into bench.csv.

.venv-bench/bin/python -m tests.benchmarks.trainer [busy] [games] [epoch] [restarts]

games: every game's step through the Trainer to the same step in a bare loop, at the narrow nets of `short`.
epoch: 50 steps of FGSM adversarial training (128 clean + 128 attacked images) through our Trainer to a bare
loop with torchattacks and to ART's trainer. restarts: eight attack networks trained as one stack to one after
another. Blocks of 10 steps take turns; the ratio is the median over the blocks. `busy`: see the other benchmarks.
"""

import statistics
import sys
import time
from collections.abc import Callable, Iterator
from itertools import islice

import pytorch_lightning as pl
import torch
from torch import nn

from mvm.attacks.attacked import attacked
from mvm.attacks.attnet_group import Group
from mvm.attacks.attnet_stack import AttNetStack
from mvm.attacks.recipe import Recipe
from mvm.build import build
from mvm.classifiers.mnist import MNISTNet
from mvm.data.batches import batches
from mvm.data.mnist5k import MNIST5k
from mvm.games.game import Game
from mvm.risk import risk
from mvm.seeding import derive
from tests.benchmarks.steps import machine, write
from tests.conftest import compose, options
from tests.peers import Unit

Clock = Callable[[], float]
BLOCK, BLOCKS, ETA, WARM = 10, 5, 0.3, 1  # steps a block; blocks a measurement, of which the first WARM do not count


class Ends(pl.Callback):
    """When each block ended."""

    def __init__(self, clock: Clock) -> None:
        self.clock, self.at = clock, []

    def on_train_batch_end(self, *_: object) -> None:
        self.at.append(self.clock())


def through_lightning(game: Game, data: MNIST5k, clock: Clock) -> list[float]:
    """Milliseconds a step, by the ends of the blocks, so that the Trainer's start is not in it."""
    ends = Ends(clock)
    game.iteration, game.iterations = 0, BLOCK * BLOCKS
    trainer = pl.Trainer(
        accelerator="cpu", max_epochs=1, callbacks=[ends], logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False, num_sanity_val_steps=0, limit_val_batches=0,
        inference_mode=False,
    )  # fmt: skip
    trainer.fit(game, datamodule=data)
    return [1000 * (b - a) / BLOCK for a, b in zip(ends.at, ends.at[1:], strict=False)]


def in_blocks(step: Callable[[int], object], clock: Clock) -> list[float]:
    """Milliseconds a step of a bare loop, step(i) for the i-th batch."""
    ends = []
    for i in range(BLOCK * BLOCKS):
        step(i)
        if i % BLOCK == BLOCK - 1:
            ends.append(clock())
    return [1000 * (b - a) / BLOCK for a, b in zip(ends, ends[1:], strict=False)]


def game_of(name: str, *settings: str) -> Game:
    config = compose(f"game={name}", "data=mnist5k", "profile=short", f"eta={ETA}", *settings)
    torch.manual_seed(0)
    more = {"source": build(config["classifier"])} if "source" in config["game"] else {}
    game: Game = build(config["game"], defender=build(config["classifier"]), **more)
    return game


def bare(game: Game, data: MNIST5k, clock: Clock) -> list[float]:
    """The game's own iterations, with its optimisers as they are and nothing around."""
    made = game.configure_optimizers()
    game.optimizers = lambda: made  # type: ignore[method-assign]
    game.train()
    stream = list(islice(batches(data.train.x, data.train.y, 128, 0), BLOCK * BLOCKS))

    def step(i: int) -> None:
        torch.manual_seed(derive(game.seed, i))
        game.iterate(*stream[i])

    return in_blocks(step, clock)


def row(name: str, ours: list[float], theirs: list[float], target: float, where: str) -> dict[str, object]:
    ratios = sorted(a / b for a, b in zip(ours, theirs, strict=True))
    return {
        "name": name,
        "ours_ms": round(statistics.median(ours), 2),
        "other_ms": round(statistics.median(theirs), 2),
        "ratio": round(statistics.median(ratios), 3),
        "spread": f"{ratios[len(ratios) // 4]:.2f}-{ratios[-1 - len(ratios) // 4]:.2f}",
        "target": target,
        "machine": where,
    }


def games(data: MNIST5k, clock: Clock, where: str, rounds: int = 3) -> Iterator[dict[str, object]]:
    for name in options("game"):
        ours: list[float] = []
        theirs: list[float] = []
        for _ in range(rounds):
            ours += through_lightning(game_of(name), data, clock)
            theirs += bare(game_of(name), data, clock)
        yield row(f"mnist/trainer-{name}:bare", ours, theirs, 1.03, where)


def epoch(data: MNIST5k, clock: Clock, where: str, rounds: int = 2) -> Iterator[dict[str, object]]:
    """The paper's net. ART replaces half of a batch by its attacked images: of 256, so that 256 are trained on."""
    times: dict[str, list[float]] = {"ours": [], "torchattacks": [], "art": []}
    for _ in range(rounds):
        game = game_of("adv_train", "game.examples=current", "classifier.width=1.0")
        times["ours"] += through_lightning(game, data, clock)
        times["torchattacks"] += in_blocks(torchattacks_step(data), clock)
        times["art"] += art_blocks(data, clock)
    for name in ("torchattacks", "art"):
        yield row(f"mnist/fgsm-training:{name}", times["ours"], times[name], 0.95, where)


def torchattacks_step(data: MNIST5k) -> Callable[[int], None]:
    from torchattacks import FGSM

    net = MNISTNet()
    adam = torch.optim.Adam(net.parameters(), lr=1e-3, fused=True)
    attack = FGSM(Unit(net), eps=ETA / 2)
    stream = batches(data.train.x, data.train.y, 128, 0)

    def step(_: int) -> None:
        x, y = next(stream)
        z = 2 * attack((x + 1) / 2, y) - 1
        adam.zero_grad()
        risk(net(torch.cat([x, z])), torch.cat([y, y])).backward()
        adam.step()

    return step


def art_blocks(data: MNIST5k, clock: Clock) -> list[float]:
    from art.attacks.evasion import FastGradientMethod
    from art.defences.trainer import AdversarialTrainer
    from art.estimators.classification import PyTorchClassifier

    net = MNISTNet()
    adam = torch.optim.Adam(net.parameters(), lr=1e-3, fused=True)
    estimator = PyTorchClassifier(
        net, nn.CrossEntropyLoss(), (1, 28, 28), 10, optimizer=adam, clip_values=(-1, 1), device_type="cpu"
    )
    trainer = AdversarialTrainer(estimator, FastGradientMethod(estimator, eps=ETA, batch_size=256), ratio=0.5)
    x, y = data.train.x[: 256 * BLOCK].numpy(), data.train.y[: 256 * BLOCK].numpy()
    ends = []
    for _ in range(BLOCKS):
        trainer.fit(x, y, batch_size=256, nb_epochs=1)
        ends.append(clock())
    return [1000 * (b - a) / BLOCK for a, b in zip(ends, ends[1:], strict=False)]


def restarts(data: MNIST5k, clock: Clock, where: str, members: int = 8) -> Iterator[dict[str, object]]:
    torch.manual_seed(0)
    net, recipe = MNISTNet(width=0.25), Recipe()

    def group(k: int) -> Group:
        return Group(["mlp"] * k, [recipe] * k, AttNetStack((1, 28, 28), [0.0] * k), ETA, False)

    stream = list(islice(batches(data.train.x, data.train.y, 128, 0), BLOCK * BLOCKS))
    together, single = group(members), [group(1) for _ in range(members)]
    with attacked(net):
        steps = together.train(net, iter(stream), [1e-3] * len(stream))
        each = [g.train(net, iter(stream), [1e-3] * len(stream)) for g in single]
        ours = in_blocks(lambda _: next(steps), clock)
        theirs = in_blocks(lambda _: [next(s) for s in each], clock)
    yield row(f"mnist/attnet-restarts-{members}:one-after-another", ours, theirs, 1.0, where)


if __name__ == "__main__":
    busy = "busy" in sys.argv
    torch.set_num_threads(1 if busy else 2)
    timer: Clock = time.process_time if busy else time.perf_counter
    images = MNIST5k()
    images.setup()
    parts = {"games": games, "epoch": epoch, "restarts": restarts}
    for part in [name for name in parts if name in sys.argv] or parts:
        for line in parts[part](images, timer, machine() + " processor time" * busy):
            write([line])
