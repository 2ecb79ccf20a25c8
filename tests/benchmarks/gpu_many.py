"""Several models on one GPU: part of `make bench` where one is. Nets, data and sides as in `tests.benchmarks.gpu`.

python -m tests.benchmarks.gpu_many [PART...] [mnist|cifar10]
"""

import multiprocessing
from functools import partial

import torch

from mvm.attacks.attacked import attacked
from mvm.attacks.attnet_group import Group
from mvm.attacks.attnet_stack import AttNetStack
from mvm.attacks.recipe import Recipe
from mvm.classifiers.mnist import MNISTNet
from mvm.data.batches import batches
from mvm.data.images import Images
from mvm.tf32 import tf32
from tests.benchmarks.gpu import BLOCK, STEPS, asked, clock, drawn, game_of, loop, per_iteration, where
from tests.benchmarks.nets import ETA
from tests.benchmarks.steps import write
from tests.benchmarks.turns import Row, row, turns

PARTS = ("restarts", "streams", "processes")
AT_ONCE = (1, 2, 4, 8)


def restarts(width: float, images: Images, members: int = 8) -> Row:
    """Attack networks in one stack beside one after another, both replayed."""
    torch.manual_seed(0)
    net = MNISTNet(width=width).cuda()

    def group(k: int) -> Group:
        return Group(["mlp"] * k, [Recipe()] * k, AttNetStack((1, 28, 28), [0.0] * k).cuda(), 0.3, False)

    rates = [1e-3] * BLOCK * (STEPS + 2)
    with attacked(net):
        stream = partial(batches, images.train.x, images.train.y, 128, 0)
        together = group(members).train(net, stream(), rates)
        each = [group(1).train(net, stream(), rates) for _ in range(members)]
        sides = {"together": lambda: next(together), "one after another": lambda: [next(s) for s in each]}
        times = turns(sides, clock, STEPS, BLOCK)
    return row(f"mnist/gpu-attnet-restarts-{members}-width{width:g}:one-after-another", *times.values(), 0.4, where())


def streams(name: str, data: str, images: Images) -> list[Row]:
    """Several games in one process, each a graph on a stream of its own, beside one alone: per iteration of all."""
    out, lanes = [], [(torch.cuda.Stream(), loop(game_of(name, data), images)) for _ in range(max(AT_ONCE))]

    def at_once(n: int) -> None:
        for stream, block in lanes[:n]:
            with torch.cuda.stream(stream):
                block()

    times = turns({str(n): partial(at_once, n) for n in AT_ONCE}, clock, STEPS, 1)
    for n in AT_ONCE[1:]:
        each = [t / n / BLOCK for t in times[str(n)]]
        out.append(row(f"{data}/gpu-{name}-{n}-streams:one", each, per_iteration(times["1"]), None, where()))
    return out


def processes(name: str, data: str, seconds: float = 3.0) -> list[Row]:
    """Several processes with one game each, beside one alone: milliseconds per iteration of all together."""
    context, took = multiprocessing.get_context("spawn"), {}
    for n in AT_ONCE:
        barrier, queue = context.Barrier(n), context.Queue()
        workers = [context.Process(target=_alone, args=(name, data, seconds, barrier, queue)) for _ in range(n)]
        for worker in workers:
            worker.start()
        took[n] = 1000 / sum(queue.get(timeout=60) for _ in workers)
        for worker in workers:
            worker.join()
    return [row(f"{data}/gpu-{name}-{n}-processes:one", [took[n]], [took[1]], None, where()) for n in AT_ONCE[1:]]


def _alone(name: str, data: str, seconds: float, barrier, queue) -> None:  # type: ignore[no-untyped-def]
    with tf32():
        block = loop(game_of(name, data), drawn(data))
    barrier.wait()
    start, n = clock(), 0
    while clock() - start < seconds:
        block()
        n += BLOCK
    queue.put(n / (clock() - start))


if __name__ == "__main__":
    parts, nets = asked(PARTS, tuple(ETA))
    for data in nets:
        images = drawn(data)
        with tf32():
            if "restarts" in parts and data == "mnist":
                write([restarts(width, images) for width in (0.25, 1.0)])
            if "streams" in parts:
                write([r for name in ("undefended", "minimax") for r in streams(name, data, images)])
        if "processes" in parts:
            write(processes("minimax", data))
