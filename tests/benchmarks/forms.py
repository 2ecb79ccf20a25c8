"""What the forms of the penalty do to the trained defender: python -m tests.benchmarks.forms [COMMAND...].

Full MNIST (MVM_DATA), eta = 0.3, nets of an eighth of the paper's width, the same iterations for every form.
Each defender is scored on the test set clean, against PGD-20 and against the best response (`attnet_best`, here
4 networks, one of them to the end), both made for it. COMMAND is put before each job (a scheduler's, `nice`).
Stopped and started again it goes on: runs are kept under outputs/runs, rows in outputs/bench/forms.csv.
Prints the table of docs/solvers.md.
"""

import csv
import json
import statistics
import subprocess
import sys
from pathlib import Path

OUT = Path("outputs/bench/forms.csv")
SEEDS = (0, 1, 2)
SETTINGS = (
    "game=minimax",
    "data=mnist",
    "eta=0.3",
    "profile=short",
    "classifier.width=0.125",
    "budgets.mnist.game_iterations=1000",
    "attacks=[none,pgd,attnet_best]",
    "attacks.attnet_best.iterations=500",
    "attacks.attnet_best.restarts=1",
    "attacks.attnet_best.trial=0.1",
)
FORMS = {
    "`exact`": (),
    "Alt (γ = 0)": ("game.gamma=0",),
    "`part`, a quarter": ("game.penalty=part",),
    "`exact`, `every=4`": ("game.every=4",),
    "`lookahead`": ("game.penalty=lookahead",),
    "`carried`": ("game.penalty=carried",),
}
ERRORS = ("none", "pgd", "attnet_best")
COLUMNS = ("form", "gamma", "seed", *ERRORS, "own", "iterations", "ms", "run")


def job(form: str, gamma: str, seed: int, before: list[str]) -> dict[str, object]:
    """Train and score one defender, or find it; its row."""
    rate = [] if form.startswith("Alt") else [f"game.gamma={gamma}"]
    command = [*before, sys.executable, "-m", "mvm.train", *SETTINGS, *FORMS[form], *rate, f"seed={seed}"]
    out = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    run = Path(out.strip().splitlines()[-1])
    metrics = json.loads((run / "metrics.json").read_text())
    return {
        "form": form,
        "gamma": gamma,
        "seed": seed,
        **{name: metrics["errors"][name] for name in (*ERRORS, "own")},
        "iterations": metrics["iterations"],
        "ms": round(1000 * metrics["seconds"] / metrics["iterations"], 1),
        "run": run.name,
    }


def table(rows: list[dict[str, object]]) -> str:
    lines = ["| form | γ | clean | PGD-20 | best response | own attacker |", "|---|---:|---|---|---|---|"]
    for form, gamma in dict.fromkeys((row["form"], row["gamma"]) for row in rows):
        cells = []
        for name in (*ERRORS, "own"):
            errors = [float(str(row[name])) for row in rows if (row["form"], row["gamma"]) == (form, gamma)]
            cells.append(f"{statistics.mean(errors):.3f} ({min(errors):.3f}–{max(errors):.3f})")
        lines.append(f"| {form} | {gamma} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    OUT.parent.mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, object]] = []
    for seed in SEEDS:
        for form in FORMS:
            rows.append(job(form, "0" if form.startswith("Alt") else "1", seed, sys.argv[1:]))
            with open(OUT, "w", newline="") as file:
                writer = csv.DictWriter(file, COLUMNS)
                writer.writeheader()
                writer.writerows(rows)
            print(rows[-1], flush=True)
    print(table(rows))
