"""Where the time of a step goes, by kind of operation: python -m tests.benchmarks.operators [busy] [NET] [all].

Prints the table of docs/performance.md: the share of a step's time, in per cent, by torch.profiler, of the operators
themselves without those they call. The steps are those of tests/benchmarks/floor.py. all: also every operator's
milliseconds.
"""

import sys
from collections import Counter

import torch
from torch.profiler import ProfilerActivity, profile

from tests.benchmarks.floor import PASSES, steps
from tests.benchmarks.nets import SHAPES, Nets
from tests.benchmarks.turns import begin

KINDS = {  # of an operator: the first whose part of a name it has
    "convolution": ("convolution", "conv2d"),
    "matrix product": ("mm", "linear"),
    "pooling": ("max_pool",),
    "ReLU": ("relu", "threshold", "clamp_min"),
    "optimiser": ("adam",),
    "copies": ("copy", "clone", "cat", "contiguous", "fill", "zero", "pixel_shuffle", "constant_pad", "flip"),
}
STEPS = 5


def kind(operator: str) -> str:
    return next((k for k, parts in KINDS.items() if any(part in operator for part in parts)), "other")


def milliseconds(step: object) -> Counter[str]:
    """Of each operator, a step; four steps before the first are not counted."""
    assert callable(step)
    for _ in range(4):
        step()
    with profile(activities=[ProfilerActivity.CPU]) as seen:
        for _ in range(STEPS):
            step()
    return Counter({event.key: event.self_cpu_time_total / 1000 / STEPS for event in seen.key_averages()})


def table(net: str) -> None:
    print(f"| {net} | {' | '.join(KINDS)} | other |\n|---{'|---:' * (len(KINDS) + 1)}|")
    for name, step in steps(Nets(net)).items():
        operators = milliseconds(step)
        kinds: Counter[str] = Counter()
        for operator, ms in operators.items():
            kinds[kind(operator)] += ms
        cells = [f"{100 * kinds[k] / kinds.total():.0f}" for k in (*KINDS, "other")]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)
        if "all" in sys.argv:
            for operator, ms in operators.most_common(25):
                print(f"    {ms:8.2f}  {kind(operator):15s} {operator}")


if __name__ == "__main__":
    begin()
    torch.manual_seed(0)
    assert list(PASSES) == list(steps(Nets("mnist")))
    for one in [net for net in SHAPES if net in sys.argv] or SHAPES:
        table(one)
