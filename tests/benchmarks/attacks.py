"""What our attacks cost beside other libraries': `make bench`. Rows go into outputs/bench/bench.csv.

.venv-bench/bin/python -m tests.benchmarks.attacks [busy] [fgsm] [ifgsm10] [pgd40] [pgd10x10]
    [pgd10x10-eta0.6]  (the boxed ball of most figures, in which every image breaks)

The paper's MNIST net, undefended, batches of 128: once as we make it, its weights channels last (mnist-own), once as
torch makes them (mnist-nchw), as a user's own net mostly is; ours lays them out anew in each call. Each batch is
attacked by every library in turn; the ratio is the median over the batches of our time to theirs on the same batch.
With `busy` 1 thread by the processor's time, whose ratios stand on a machine that others use, too.
"""

import statistics
import sys
from collections.abc import Callable

import torch
from torch import Tensor, nn

from mvm.attacks.attack import wrong
from tests.benchmarks.steps import write
from tests.benchmarks.turns import begin
from tests.peers import PEERS, Ours, Peer, installed, mnist_net

Clock = Callable[[], float]
Call = Callable[[Peer, Tensor, Tensor], Tensor]
ETA = 0.3
ROWS: dict[str, tuple[Call, int, float | None]] = {  # name: (attack, batches, target of the ratio)
    "fgsm": (lambda p, x, y: p.fgsm(x, y), 78, 0.8),
    "ifgsm10": (lambda p, x, y: p.pgd(x, y, steps=10, step=ETA, start=False), 5, 0.8),
    "pgd40": (lambda p, x, y: p.pgd(x, y, steps=40, step=ETA / 16, start=True), 4, 0.8),
    "pgd10x10": (lambda p, x, y: p.pgd(x, y, steps=10, step=ETA / 4, start=True, restarts=10), 2, None),
    "pgd10x10-eta0.6": (lambda p, x, y: p.pgd(x, y, steps=10, step=0.15, start=True, restarts=10), 4, 0.5),
}


def timed(
    call: Call, libraries: dict[str, Peer], x: Tensor, y: Tensor, batches: int, clock: Clock
) -> dict[str, list[float]]:
    """Milliseconds of each batch; one before the first is not counted."""
    out: dict[str, list[float]] = {name: [] for name in libraries}
    for i in range(batches + 1):
        at = torch.arange(128 * i, 128 * (i + 1)) % len(x)
        for name, library in libraries.items():
            start = clock()
            call(library, x[at], y[at])
            if i:
                out[name].append(1000 * (clock() - start))
    return out


def rows(
    net: str, attack: str, times: dict[str, list[float]], target: float | None, where: str
) -> list[dict[str, object]]:
    out: list[dict[str, object]] = []
    for name in times.keys() - {"ours"}:
        ratios = sorted(a / b for a, b in zip(times["ours"], times[name], strict=True))
        out.append(
            {
                "name": f"{net}/{attack}:{name}",
                "ours_ms": round(statistics.median(times["ours"]), 1),
                "other_ms": round(statistics.median(times[name]), 1),
                "ratio": round(statistics.median(ratios), 3),
                "spread": f"{ratios[len(ratios) // 4]:.2f}-{ratios[-1 - len(ratios) // 4]:.2f}",
                "target": target or "",
                "machine": where,
            }
        )
    return sorted(out, key=lambda row: row["other_ms"])


def bench(name: str, net: nn.Module, x: Tensor, y: Tensor, attacks: list[str], clock: Clock, where: str) -> None:
    print(f"{name}: clean error {wrong(net, x, y).float().mean():.3f}")
    there = {"ours": Ours} | {peer: make for peer, make in PEERS.items() if installed(peer)}
    print(f"without {', '.join(PEERS.keys() - there.keys()) or 'none'}", flush=True)
    for attack in attacks:
        call, batches, target = ROWS[attack]
        eta = float(attack.partition("-eta")[2] or ETA)
        times = timed(call, {peer: make(net, eta, x) for peer, make in there.items()}, x, y, batches, clock)
        write(rows(name, attack, times, target, where))


if __name__ == "__main__":
    clock, where = begin()
    chosen = [name for name in ROWS if name in sys.argv] or list(ROWS)
    net, x, y = mnist_net(1.0, 60)
    bench("mnist-own", net, x, y, chosen, clock, where)
    bench("mnist-nchw", net.to(memory_format=torch.contiguous_format), x, y, chosen, clock, where)
