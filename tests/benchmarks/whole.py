"""What whole commands take: `make bench`. Rows go into outputs/bench/bench.csv.

python -m tests.benchmarks.whole [busy] [start-up] [demo] [table5]

The start-up, `python -m mvm.train --help`, beside 4 s; `make demo` after set-up beside 60 s; `make table5
PROFILE=smoke DATA=mnist5k`, which has no limit. Nothing is left of an earlier run: outputs go to a new folder.
"""

import sys
import tempfile

from tests.benchmarks.growth import used
from tests.benchmarks.steps import write
from tests.benchmarks.turns import begin, row

TRAIN, EVALUATE = ("mvm.train", "mvm.evaluate")
WHOLE: dict[str, tuple[float | None, int, list[tuple[str, ...]]]] = {  # (limit in seconds, rounds, commands)
    "start-up": (4, 7, [(TRAIN, "--help")]),
    "demo": (
        60,
        1,
        [
            (TRAIN, "--multirun", "game=undefended,sens_fgsm,minimax", "data=mnist5k", "eta=0.3", "profile=smoke"),
            (EVALUATE, "runs={outputs}/runs/mnist5k-*-eta0.3-seed0-*", "profile=smoke"),
        ],
    ),
    "table5": (None, 1, [(TRAIN, "table=table5", "profile=smoke", "data=mnist5k")]),
}


def milliseconds(commands: list[tuple[str, ...]]) -> float:
    with tempfile.TemporaryDirectory() as outputs:
        filled = [[sys.executable, "-m", *(part.format(outputs=outputs) for part in c)] for c in commands]
        more = [f"outputs={outputs}"]
        return sum(used(c if "--help" in c else c + more, busy="busy" in sys.argv).ms for c in filled)


if __name__ == "__main__":
    _, where = begin()
    for name in [one for one in WHOLE if one in sys.argv] or WHOLE:
        limit, rounds, commands = WHOLE[name]
        times = [milliseconds(commands) for _ in range(rounds)]
        beside = 1000 * limit if limit else float("nan")
        line = row(f"whole/{name}:limit", times, [beside] * rounds, 1.0 if limit else None, where)
        write([line if limit else line | {"name": f"whole/{name}", "other_ms": "", "ratio": "", "spread": ""}])
