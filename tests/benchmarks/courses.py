"""How the defences of `make defences` come about: PGD's error over the time of training, and a mixture's weights.

python -m tests.benchmarks.courses outputs/defences/runs 0.6 docs/recipes.png
"""

import sys
from itertools import cycle
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

from mvm.record import Run, history, name_of

# for the colour-blind, too
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999999")
matplotlib.rcParams["svg.hashsalt"] = "mvm"


def label(run: Run) -> str:
    game = run.config()["game"]
    name = name_of(game)
    if name == "minimax" and game.get("ascend_on") == "other":
        return "minimax recipe=best"
    return f"mixture {' + '.join(game['members'])}, per {game['mix']}" if name == "mixture" else name


def figure(runs: list[Run], eta: str) -> Figure:
    """Left: one line a run that met an attack. Right, in the same colours: the weights of each mixture's members."""
    canvas = Figure(figsize=(11, 3.8), layout="constrained")
    left, right = canvas.subplots(1, 2)
    named: set[str] = set()
    for run, colour in zip(runs, cycle(COLOURS), strict=False):
        rows = history(run.history)
        seconds = [row["seconds"] for row in rows]
        left.plot(seconds, [row["val_pgd_error"] for row in rows], color=colour, label=label(run), marker=".")
        for key in (key for key in rows[0] if key.startswith("weight_")):
            style = "-" if "pgd" in key else "--"
            share = [row["iteration"] / rows[-1]["iteration"] for row in rows]
            first = None if key in named else f"of {key.removeprefix('weight_')}"  # the colours are the left one's
            named.add(key)
            right.plot(share, [row[key] for row in rows], style, color=colour, label=first)
    left.set(xlabel="seconds of training (1 core)", ylabel="error under PGD-10, validation", ylim=(0, 1))
    left.set_title(f"MNIST, η = {eta}")
    right.set(xlabel="share of the game", ylabel="weight in the defender's step", ylim=(0, 1))
    right.set_title("Members of the mixtures")
    for axes in (left, right):
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, fontsize=8)
    return canvas


if __name__ == "__main__":
    where, eta, to = sys.argv[1:]
    found = [Run(folder) for folder in sorted(Path(where).glob(f"*-eta{eta}-*"))]
    met = [run for run in found if run.trained and "val_pgd_error" in history(run.history)[0]]
    figure(met, eta).savefig(to, dpi=110)
