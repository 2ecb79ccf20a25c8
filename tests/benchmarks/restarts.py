"""Eight attack networks trained as one stack beside one after another: `make bench`.

python -m tests.benchmarks.restarts [busy]: against the MNIST net of a quarter of the paper's width.
"""

from itertools import islice

import torch

from mvm.attacks.attacked import attacked
from mvm.attacks.attnet_group import Group
from mvm.attacks.attnet_stack import AttNetStack
from mvm.attacks.recipe import Recipe
from mvm.classifiers.mnist import MNISTNet
from mvm.data.batches import batches
from mvm.data.mnist5k import MNIST5k
from tests.benchmarks.steps import write
from tests.benchmarks.turns import begin, row, turns

MEMBERS, ETA, BLOCK, BLOCKS = 8, 0.3, 10, 5


def group(k: int) -> Group:
    return Group(["mlp"] * k, [Recipe()] * k, AttNetStack((1, 28, 28), [0.0] * k), ETA, False)


if __name__ == "__main__":
    clock, where = begin()
    data = MNIST5k()
    data.setup()
    torch.manual_seed(0)
    net = MNISTNet(width=0.25)
    stream = list(islice(batches(data.train.x, data.train.y, 128, 0), BLOCK * (BLOCKS + 1)))
    together, single = group(MEMBERS), [group(1) for _ in range(MEMBERS)]
    rates = [1e-3] * len(stream)
    with attacked(net):
        all_steps = together.train(net, iter(stream), rates)
        each = [g.train(net, iter(stream), rates) for g in single]
        sides = {"together": lambda: next(all_steps), "one after another": lambda: [next(s) for s in each]}
        times = turns(sides, clock, BLOCKS, BLOCK)
    write([row(f"mnist/attnet-restarts-{MEMBERS}:one-after-another", *times.values(), 1.0, where)])
