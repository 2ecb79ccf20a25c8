"""Score the classifiers that cat and mouse kept, round by round: Figures 1 and 5."""

import csv
from pathlib import Path
from typing import Any

import torch

from mvm.attacks.attack import wrong
from mvm.attacks.attacked import evaluating
from mvm.build import build
from mvm.record import Run
from mvm.terminal import bar
from mvm.tf32 import tf32
from mvm.weights import load_weights
from mvm.whole import write_whole

IMAGES = 1000  # of the test set: enough for a point of a figure (95 % within 0.031)


@tf32(False)
def score_rounds(run: Run, config: dict[str, Any]) -> None:
    """Write rounds.csv for a run that kept rounds, unless it is there.

    A row a round k: `attacked`, the error of the classifier of round k - 1 on the attack made on it
    (FGSMk), and `trained`, that of the classifier of round k on the same images.
    """
    kept = run.rounds
    path = run.folder / "rounds.csv"
    if not kept or path.exists():
        return
    rows = _rows(kept, config)

    def write(temporary: Path) -> None:
        with open(temporary, "w", newline="") as file:
            writer = csv.DictWriter(file, ("round", "attacked", "trained", "n"))
            writer.writeheader()
            writer.writerows(rows)

    write_whole(path, write)


def _rows(kept: list[Path], config: dict[str, Any]) -> list[dict[str, float]]:
    classifier, attack = build(config["classifier"]), build(config["game"]["against"])
    data = build(config["data"])
    data.setup()
    some = data.tested_on(IMAGES).test  # at equal distances: MNIST's first half is the harder one
    x, y = some.x, some.y
    rows: list[dict[str, float]] = []
    with bar("scoring the rounds") as progress, evaluating(classifier):
        for k in range(1, len(kept)):
            load_weights(classifier, kept[k - 1])
            z = torch.cat([attack(classifier, a, b) for a, b in zip(x.split(250), y.split(250), strict=True)])
            attacked = wrong(classifier, z, y).float().mean().item()
            load_weights(classifier, kept[k])
            trained = wrong(classifier, z, y).float().mean().item()
            rows.append({"round": k, "attacked": round(attacked, 4), "trained": round(trained, 4), "n": len(y)})
            progress(k, len(kept) - 1, f"error {attacked:.3f} then {trained:.3f}")
    return rows
