"""Whether time grows linearly and memory not at all: `make bench`. Rows go into outputs/bench/bench.csv.

python -m tests.benchmarks.growth [busy] [iterations] [etas] [rounds] [restarts] [ROUNDS]

mvm.train on data=mnist5k with n, 2 n and 4 n of: iterations of Minimax, etas of one sweep, rounds of cat and mouse,
restarts of the best-response attack. Each is a process of its own, timed as a whole, so that what it starts with
falls out of the differences. growth/time-*: a unit's time between 2 n and 4 n beside that between n and 2 n, 1 if
linear. growth/MiB-*: the process's peak memory at 4 n beside that at n.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import NamedTuple

from tests.benchmarks.steps import write
from tests.benchmarks.turns import begin, row

SMALL = ("data=mnist5k", "profile=smoke", "trainer.accelerator=cpu", "force=true")
ALL_TO_THE_END = ("attacks=[attnet_best]", "attacks.attnet_best.iterations=20", "attacks.attnet_best.trial=1")
SHORT = ("budgets.mnist.game_iterations=75", "budgets.mnist.iterations=10", "attacks=[none]")
GROWN: dict[str, tuple[int, Callable[[int], tuple[str, ...]]]] = {  # what grows: (n, the settings of a size)
    "iterations": (75, lambda n: ("game=minimax", f"budgets.mnist.game_iterations={n}", "attacks=[none]")),
    "etas": (1, lambda n: ("game=alt", "-m", "eta=" + ",".join(f"0.{i + 1}" for i in range(n)), *SHORT)),
    "rounds": (2, lambda n: ("game=cat_mouse", f"game.rounds={n}", "game.round_iterations=40", "attacks=[none]")),
    "restarts": (1, lambda n: ("game=undefended", SHORT[1], *ALL_TO_THE_END, f"attacks.attnet_best.restarts={n}")),
}
TIME, MEMORY = 1.15, 1.1  # targets


class Used(NamedTuple):
    ms: float
    mib: float


def used(command: list[str], *, busy: bool) -> Used:
    """Time and peak memory of a process; its processor time if busy."""
    start = time.perf_counter()
    threads = os.environ | {"OMP_NUM_THREADS": "1" if busy else "2"}  # what the row says of this machine
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=threads)
    assert process.stderr
    said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)} failed:\n{said.decode()[-2000:]}")
    seconds = usage.ru_utime + usage.ru_stime if busy else time.perf_counter() - start
    return Used(1000 * seconds, usage.ru_maxrss / 1024)


def grow(name: str, where: str, rounds: int) -> None:
    n, settings = GROWN[name]
    early, late, first, last = [], [], [], []
    for _ in range(rounds):
        sizes = []
        for size in (n, 2 * n, 4 * n):
            with tempfile.TemporaryDirectory() as outputs:
                command = [sys.executable, "-m", "mvm.train", *SMALL, *settings(size), f"outputs={outputs}"]
                sizes.append(used(command, busy="busy" in sys.argv))
        early.append((sizes[1].ms - sizes[0].ms) / n)
        late.append((sizes[2].ms - sizes[1].ms) / (2 * n))
        first.append(sizes[0].mib)
        last.append(sizes[2].mib)
    write([row(f"growth/time-{name}:at-first", late, early, TIME, where)])
    write([row(f"growth/MiB-{name}:at-first", last, first, MEMORY, where)])


if __name__ == "__main__":
    _, machine = begin()
    for one in [name for name in GROWN if name in sys.argv] or GROWN:
        grow(one, machine, next((int(a) for a in sys.argv if a.isdigit()), 3))
