"""How the benchmarks take time: by which clock, in blocks that take turns, and the row that comes of it."""

import statistics
import sys
import time
from collections.abc import Callable, Sequence

import torch

from mvm.cpu import settle
from tests.benchmarks.steps import machine

Clock = Callable[[], float]
Row = dict[str, object]


def begin() -> tuple[Clock, str]:
    """The clock and the name of this machine: 2 threads by the wall clock, or, with the argument `busy`, 1 thread
    by the processor's time, whose ratios stand on a machine that others use, too. Memory as in training."""
    settle()
    busy = "busy" in sys.argv
    torch.set_num_threads(1 if busy else 2)
    return (time.process_time if busy else time.perf_counter), machine() + " processor time" * busy


def turns(sides: dict[str, Callable[[], object]], clock: Clock, blocks: int, steps: int) -> dict[str, list[float]]:
    """Milliseconds a step of each side, block by block: A-B-C-A-B-C. The block before the first is not counted."""
    times: dict[str, list[float]] = {name: [] for name in sides}
    for block in range(blocks + 1):
        for name, step in sides.items():
            start = clock()
            for _ in range(steps):
                step()
            if block:
                times[name].append(1000 * (clock() - start) / steps)
    return times


def row(name: str, ours: Sequence[float], theirs: Sequence[float], target: float | None, where: str) -> Row:
    """Medians, and the median and the quartiles of the ratios block by block."""
    ratios = sorted(a / b for a, b in zip(ours, theirs, strict=True))
    return {
        "name": name,
        "ours_ms": round(statistics.median(ours), 2),
        "other_ms": round(statistics.median(theirs), 2),
        "ratio": round(statistics.median(ratios), 3),
        "spread": f"{ratios[len(ratios) // 4]:.3f}-{ratios[-1 - len(ratios) // 4]:.3f}",
        "target": target or "",
        "machine": where,
    }
