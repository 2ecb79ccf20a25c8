"""Our attacks and other libraries' on one trained defender: the table of docs/attacks.md.

MVM_DATA=data .venv-bench/bin/python -m tests.benchmarks.strength outputs/runs/RUN [images] [eta]

Boxed images, true labels, the first `images` of the test set, one thread. Each attack's error with its
interval and its seconds of processor time; then our pointwise worst case beside AutoAttack's.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from mvm.attacks.apgd import APGD
from mvm.attacks.attack import Attack, wrong
from mvm.attacks.autoattack import AutoAttack
from mvm.attacks.pgd import PGD
from mvm.audit.wilson import wilson
from mvm.record import Run
from mvm.saved import defence
from tests.peers import PEERS, Ours, installed

Attempt = Callable[[Tensor, Tensor], Tensor]
CHUNK = 250


def compare(run: Run, images: int, eta: float | None) -> None:
    config = run.config()
    net, data = defence(run, config, "cpu")
    net.eval()
    x, y, eta = data.test.x[:images], data.test.y[:images], eta or config["eta"]
    print(f"{run.folder.name}, eta = {eta:g}, {len(y)} images, clean error {wrong(net, x, y).float().mean():.4f}")

    def measure(name: str, attempt: Attempt) -> Tensor:
        start = time.process_time()
        z = torch.cat([attempt(*part) for part in zip(x.split(CHUNK), y.split(CHUNK), strict=True)])
        seconds = time.process_time() - start
        missed = wrong(net, z, y)
        low, high = wilson(int(missed.sum()), len(y))
        print(f"| {name} | {missed.float().mean():.4f} ({low:.4f}-{high:.4f}) | {seconds:.1f} |", flush=True)
        return missed

    libraries = {"ours": Ours, **{name: peer for name, peer in PEERS.items() if installed(name)}}
    there = {name: make(net, eta, x) for name, make in libraries.items()}
    for name, library in there.items():
        measure(f"FGSM {name}", library.fgsm)
    for restarts in (1, 3):
        for name, library in there.items():
            budget = {"steps": 40, "step": 2.5 * eta / 40, "restarts": restarts}
            measure(
                f"PGD 40 x {restarts} {name}",
                lambda x, y, library=library, budget=budget: library.pgd(x, y, start=True, **budget),
            )
    strong: dict[str, Attack] = {
        "PGD 50 x 5": PGD(eta=eta, steps=50, restarts=5),
        "PGD 50 x 5 margin": PGD(eta=eta, steps=50, restarts=5, loss="margin"),
        "APGD cross-entropy": APGD(eta=eta, loss="cross_entropy"),
        "APGD dlr": APGD(eta=eta, restarts=3),
    }
    worst = torch.stack([measure(n, lambda x, y, a=a: a(net, x, y)) for n, a in strong.items()]).any(0)
    theirs = measure("AutoAttack", lambda x, y: AutoAttack(eta=eta, restarts=5)(net, x, y))
    print(
        f"worst of ours {worst.float().mean():.4f}, AutoAttack {theirs.float().mean():.4f}; "
        f"broken by ours alone {int((worst & ~theirs).sum())}, by AutoAttack alone {int((theirs & ~worst).sum())}"
    )


if __name__ == "__main__":
    torch.set_num_threads(1)
    _, folder, images, eta, *_ = [*sys.argv, None, None]
    compare(Run(Path(folder)), int(images or 1000), float(eta) if eta else None)
