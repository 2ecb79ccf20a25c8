"""What one training step costs: `make bench`. Rows go into outputs/bench/bench.csv.

python -m tests.benchmarks.steps [rounds] [busy]: 2 threads by the wall clock; with `busy` 1 thread by the
processor's time, whose ratios stand on a machine that others use, too.

The variants of a net take turns (A-B-C-A-B-C), each row is the median of its rounds, and the ratio is the
median over the rounds of its time to that of the row it is compared with in the same round. Adam's steps are in.
"""

import csv
import os
import platform
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from mvm.attacks.fgsm import FGSM
from mvm.cpu import settle
from mvm.leader_follower import Player, descend, iterate
from mvm.penalty import FORMS, Through, every, form
from tests.benchmarks.nets import Nets

OUT = Path("outputs/bench/bench.csv")
COLUMNS = ("name", "ours_ms", "other_ms", "ratio", "spread", "target", "machine")
Step = Callable[[], object]
ITERATIONS = {"minimax-every4": 4}  # in one call of a step, where it is not one


def player(parameters: list[Tensor], rate: float) -> Player:
    return Player(parameters, torch.optim.Adam(parameters, lr=rate, fused=True))


def game_steps(nets: Nets) -> dict[str, Step]:
    """One iteration of each two-player game and form, and of Sens-FGSM and LWA-FGSM."""
    f = nets.f()
    u, v = player(nets.u, 1e-4), player(nets.v, 1e-3)
    fgsm, fourth = FGSM(eta=nets.eta), every(4, 1.0)

    def sens(penalty: str) -> None:
        z = fgsm(nets.g, nets.x, nets.y).requires_grad_(True)
        u.move(FORMS[penalty](Through(lambda: z, nets.g, nets.loss), nets.u, [z], nets.eta * len(z)).g_u)

    return {
        "alt-simultaneous": lambda: iterate(f, u, v),
        "alt-leader_first": lambda: iterate(f, u, v, order="leader_first"),
        **{
            f"minimax-{name}": partial(iterate, f, u, v, gamma=1.0, penalty=form(name, nets.v))
            for name in ("linear", "image", "double", "part", "lookahead", "carried", "fd")
        },
        "minimax-every4": lambda: [iterate(f, u, v, gamma=fourth(i), penalty="linear") for i in range(1, 5)],
        "maximin-double": lambda: iterate(lambda: -f(), v, u, gamma=1.0, penalty="double"),
        "lwa_fgsm": lambda: descend(nets.loss(nets.g(fgsm(nets.g, nets.x, nets.y))), u),
        **{f"sens_fgsm-{form}": lambda form=form: sens(form) for form in ("linear", "double", "lookahead")},
    }


COMPARED: list[tuple[str, str, float | None]] = [  # (row, compared with, target of the ratio or none)
    ("minimax-linear", "alt-simultaneous", 2.0),
    ("minimax-image", "alt-simultaneous", None),
    ("minimax-double", "alt-simultaneous", None),
    ("minimax-fd", "alt-simultaneous", None),
    ("minimax-part", "alt-simultaneous", None),
    ("minimax-every4", "alt-simultaneous", None),
    ("minimax-lookahead", "alt-simultaneous", 1.7),
    ("minimax-carried", "alt-simultaneous", 1.15),
    ("maximin-double", "alt-simultaneous", None),
    ("minimax-linear", "alt-leader_first", None),
    ("alt-leader_first", "alt-simultaneous", None),
    ("sens_fgsm-linear", "lwa_fgsm", 1.65),
    ("sens_fgsm-double", "lwa_fgsm", None),
    ("sens_fgsm-lookahead", "lwa_fgsm", None),
]


def timed(steps: dict[str, Step], rounds: int, clock: Callable[[], float]) -> dict[str, list[float]]:
    """Milliseconds of each iteration in each round; two rounds before the first are not counted."""
    times: dict[str, list[float]] = {name: [] for name in steps}
    for i in range(rounds + 2):
        for name, step in steps.items():
            start = clock()
            step()
            if i >= 2:
                times[name].append(1000 * (clock() - start) / ITERATIONS.get(name, 1))
    return times


def rows(
    net: str, times: dict[str, list[float]], machine: str, compared: list[tuple[str, str, float | None]]
) -> list[dict[str, object]]:
    out: list[dict[str, object]] = []
    for name, other, target in compared:
        ratios = sorted(a / b for a, b in zip(times[name], times[other], strict=True))
        low, high = ratios[len(ratios) // 4], ratios[-1 - len(ratios) // 4]
        ours, others = statistics.median(times[name]), statistics.median(times[other])
        out.append(
            {
                "name": f"{net}/{name}:{other}",
                "ours_ms": round(ours, 1),
                "other_ms": round(others, 1),
                "ratio": round(statistics.median(ratios), 3),
                "spread": f"{low:.2f}-{high:.2f}",  # the ratio's quartiles
                "target": target or "",
                "machine": machine,
            }
        )
    return out


def write(new: list[dict[str, object]], out: Path = OUT) -> None:
    """Rows of the same name are replaced, others stay."""
    old: list[dict[str, object]] = []
    if out.exists():
        with open(out, newline="") as file:
            old = [dict(row) for row in csv.DictReader(file)]
    out.parent.mkdir(parents=True, exist_ok=True)
    names = {row["name"] for row in new}
    with open(out, "w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows([row for row in old if row["name"] not in names] + new)
    for row in new:
        name, ratio, spread = (row[column] for column in ("name", "ratio", "spread"))
        print(f"{name:48s} {row['ours_ms']:>8} {row['other_ms']:>8}   {ratio} ({spread}) {row['target']}", flush=True)


def machine() -> str:
    """The processor, how many of its cores are here, torch and the commit."""
    models = re.findall(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text() if sys.platform == "linux" else "")
    processor = models[0].strip() if models else platform.processor()
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
    where = f"{processor} {platform.machine()} {os.cpu_count()} cores"
    return f"{where} {torch.get_num_threads()} threads torch {torch.__version__} {commit}"


if __name__ == "__main__":
    settle()
    busy = "busy" in sys.argv
    torch.set_num_threads(1 if busy else 2)
    rounds = int(sys.argv[1]) if sys.argv[1:] and sys.argv[1].isdigit() else 21
    clock = time.process_time if busy else time.perf_counter
    for net in ("mnist", "cifar10"):
        write(rows(net, timed(game_steps(Nets(net)), rounds, clock), machine() + " processor time" * busy, COMPARED))
