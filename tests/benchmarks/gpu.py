"""Training on a GPU, by replays, beside what else could be done there: part of `make bench` where a GPU is.

python -m tests.benchmarks.gpu [PART...] [GAME...] [mnist|cifar10]: the paper's nets, batch 128, random images, games
past their warm-up, TF32 unless said otherwise. Sides take turns in blocks of 10 iterations; the clock waits for the
GPU. `loop`: the block as one CUDA graph without anything around, which is what a replay could cost at best.
"""

import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from itertools import product

import pytorch_lightning as pl
import torch
from torch import Tensor

from mvm.build import build
from mvm.data.images import Images, Split
from mvm.games.game import Game
from mvm.graphed import fuse, recording
from mvm.tf32 import tf32
from tests.benchmarks.nets import ETA, SHAPES
from tests.benchmarks.steps import write
from tests.benchmarks.trainer import BLOCK, Turns, bare
from tests.benchmarks.turns import Row, row, turns
from tests.conftest import compose

GAMES = ("undefended", "adv_train", "lwa_fgsm", "sens_fgsm", "alt", "minimax", "maximin", "pgd_train", "mixture")
PARTS = ("trainer", "layouts", "choice", "forms")
STEPS = 20  # blocks that count
MANY, TURNS = 10, 8  # blocks that Lightning sees as one, as at profile=paper; how many such count


class Drawn(Images):
    """Random images and labels of a data set's shape."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__(val=100)
        self.shape = shape

    def load(self) -> tuple[Split, Split]:
        x, y = torch.rand(10_000, *self.shape) * 2 - 1, torch.randint(0, 10, (10_000,))
        split = Split(x, y, torch.full((len(x),), 0.5))
        return split, split


def clock() -> float:
    torch.cuda.synchronize()
    return time.perf_counter()


def where() -> str:
    return f"{torch.cuda.get_device_name()} torch {torch.__version__}"


def game_of(name: str, data: str, *settings: str) -> Game:
    config = compose(f"game={name}", f"data={data}", "profile=paper", f"eta={ETA[data]}", *settings)
    torch.manual_seed(0)
    more = {"source": build(config["classifier"])} if "source" in config["game"] else {}
    game: Game = build(config["game"], defender=build(config["classifier"]), **more)
    game.iterations, game.warm_up = BLOCK * (STEPS + 3), 0.0
    return game


def loop(game: Game, images: Images) -> Callable[[], None]:
    """A block of the game's iterations as one CUDA graph, mini-batches gathered inside."""
    made = game.cuda().configure_optimizers()
    game.optimizers = lambda: made  # type: ignore[method-assign]
    game.train()
    x, y = images.train.x, images.train.y
    order = torch.randint(0, len(x), (BLOCK, images.batch_size), device="cuda")
    optimizers = made if isinstance(made, list) else [made]
    return recorded(lambda: [game.iterate(x[i], y[i]) for i in order], optimizers, order)


def recorded(block: Callable[[], object], optimizers: list[torch.optim.Optimizer], order: Tensor) -> Callable[[], None]:
    stream, graph = torch.cuda.Stream(), torch.cuda.CUDAGraph()
    fuse(*optimizers)
    with torch.cuda.stream(stream):
        block()
    torch.cuda.synchronize()
    with recording(graph, stream, optimizers):
        block()

    def replay(_: object = block) -> None:  # what the graph works on lives as long as it does
        order.copy_(torch.randint_like(order, 0, 9_000))
        graph.replay()

    return replay


def trainer_of(turns: Turns, folder: str) -> pl.Trainer:
    return pl.Trainer(
        accelerator="gpu", devices=1, max_epochs=1, default_root_dir=folder, logger=False, enable_checkpointing=False,
        callbacks=[turns], enable_progress_bar=False, enable_model_summary=False, num_sanity_val_steps=0,
        limit_val_batches=0, inference_mode=False,
    )  # fmt: skip


def through_lightning(name: str, data: str, images: Images) -> list[Row]:
    """A game in the Trainer, replayed, beside the graph of a whole block and beside its iterations launched anew."""
    images.block = BLOCK * MANY
    game, twin, block = game_of(name, data), game_of(name, data), loop(game_of(name, data), images)
    game.iterations = images.block * (TURNS + 2)
    with tempfile.TemporaryDirectory() as folder:
        eager = bare(twin.cuda(), images)  # type: ignore[arg-type]
        times = Turns({"loop": lambda: [block() for _ in range(MANY)], "eager": eager}, clock)
        trainer = trainer_of(times, folder)
        twin.trainer = trainer
        trainer.fit(game, datamodule=images)
    ours, whole, plain = (times.times[side][2:] for side in ("ours", "loop", "eager"))
    ours, whole = ([t / MANY for t in each] for each in (ours, whole))
    return [
        row(f"{data}/gpu-trainer-{name}:graphed-loop", ours, whole, 1.10, where()),
        row(f"{data}/gpu-trainer-{name}:eager", ours, plain, 0.5, where()),
    ]


def layouts(data: str, images: Images) -> list[Row]:
    """Games with the defender's weights channels last, as ours are, and not; with TF32 and without."""
    out = []
    for name in ("undefended", "alt", "minimax"):
        sides: dict[str, Callable[[], object]] = {}
        for on, layout in product((True, False), (torch.channels_last, torch.contiguous_format)):
            game = game_of(name, data)
            game.defender.to(memory_format=layout)
            with tf32(on):  # kernels are chosen while recording
                block = loop(game, images)
            sides[("tf32" if on else "float32") + "-nchw" * (layout is torch.contiguous_format)] = block
        times = {side: per_iteration(t) for side, t in turns(sides, clock, STEPS, 1).items()}
        for a, b in (("tf32", "float32"), ("tf32", "tf32-nchw"), ("float32", "float32-nchw")):
            out.append(row(f"{data}/gpu-{name}-{a}:{b}", times[a], times[b], None, where()))
    return out


def choice(data: str, images: Images) -> list[Row]:
    """Games whose convolutions are those that cuDNN found fastest by trying, beside those that it takes unasked."""
    out = []
    for name in ("undefended", "minimax"):
        sides: dict[str, Callable[[], object]] = {}
        for tries in (True, False):
            torch.backends.cudnn.benchmark = tries
            sides[str(tries)] = loop(game_of(name, data), images)
        torch.backends.cudnn.benchmark = False
        times = turns(sides, clock, STEPS, 1)
        out.append(row(f"{data}/gpu-{name}-tried:unasked", *(per_iteration(t) for t in times.values()), None, where()))
    return out


def forms(data: str, images: Images) -> list[Row]:
    """Minimax by the forms of its penalty, beside Alt, each as one graph."""
    sides = {"alt": loop(game_of("alt", data, "game.order=simultaneous"), images)}
    for form in ("linear", "image", "double", "part"):
        sides[form] = loop(game_of("minimax", data, f"game.penalty={form}"), images)
    times = turns(sides, clock, STEPS, 1)
    alt = per_iteration(times.pop("alt"))
    return [
        row(f"{data}/gpu-minimax-{f}:alt-simultaneous", per_iteration(t), alt, None, where()) for f, t in times.items()
    ]


def per_iteration(blocks: list[float]) -> list[float]:
    return [t / BLOCK for t in blocks]


def drawn(data: str) -> Images:
    """Such images, on the GPU."""
    images = Drawn(SHAPES[data])
    images.setup()
    images.to(torch.device("cuda"))
    return images


def asked(*choices: tuple[str, ...]) -> list[Sequence[str]]:
    """Of each choice what the command line names, or all. Ends the program where there is no GPU."""
    if not torch.cuda.is_available():
        print("no GPU is here: nothing to time")
        sys.exit()
    return [[it for it in every if it in sys.argv] or every for every in choices]


if __name__ == "__main__":
    parts, games, nets = asked(PARTS, GAMES, tuple(ETA))
    for data in nets:
        images = drawn(data)
        with tf32():
            for name in games if "trainer" in parts else ():
                write(through_lightning(name, data, images))
            if "layouts" in parts:
                write(layouts(data, images))
            if "choice" in parts:
                write(choice(data, images))
            if "forms" in parts:
                write(forms(data, images))
