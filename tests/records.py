"""Records of runs made by hand, for the report: whose numbers and findings are known."""

import json

import numpy as np
import yaml
from conftest import read

from mvm.audit.bits import pack
from mvm.report.write import write_report

N = 1000
GAMES = {  # name in conf/game: the game's settings
    "minimax": {"_target_": "mvm.games.minimax.Minimax", "attack": {"_target_": "mvm.attacks.attnet.AttNet"}},
    "undefended": {"_target_": "mvm.games.undefended.Undefended"},
}


def cell(attack, error, **more):
    kind = {"fgsm_box": "fgsm"}.get(attack, attack)
    return {
        "attack": attack,
        "eta": 0.3,
        "box": attack in ("pgd", "fgsm_box"),
        "error": error,
        "n": N,
        "predicted": [N // 10] * 10,
        "wrong": pack(np.arange(N) < round(error * N)),
        "examples": "e",
        "weights": "w",
        "error_8bit": error,
        "reach": 1.0,
        "spread": 1.0,
        "settings": {"_target_": f"mvm.attacks.{kind}.Any", **({"steps": 20} if attack == "pgd" else {})},
    } | more


class Records:
    """outputs/ with runs that a table is made of."""

    def __init__(self, outputs):
        self.outputs = outputs

    def add(self, *cells, table="table5", game="minimax", seed=0, eta=0.3, data="mnist", place="cells", **more):
        """more: `made`, when; `width` of the net."""
        name = f"{data}-{game}-eta{eta:g}-seed{seed}-00000000"
        folder = self.outputs / "runs" / name
        (folder / place).mkdir(parents=True, exist_ok=True)
        budget = {"rounds": 80}
        config = {"data": {"_target_": f"mvm.data.{data}.Any"}, "game": GAMES[game], "budget": budget}
        config["classifier"] = {"width": more.get("width", 1)}
        (folder / "config.yaml").write_text(yaml.safe_dump(config | {"eta": eta, "seed": seed}))
        for one in cells:
            (folder / place / f"{one['attack']}-0.json").write_text(json.dumps(one))
        note = {"run": name, "data": data, "game": game, "eta": eta, "seed": seed, "made": more.get("made", "")}
        note["command"] = f"python -m mvm.train game={game} seed={seed} table={table}"
        before = "" if place == "cells" else f"{place}/"  # older entries name the file alone
        note["cells"] = {one["attack"]: f"{before}{one['attack']}-0.json" for one in cells}
        path = self.outputs / "exhibits/short" / table / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(note))
        return folder

    def show(self, table="table5", to="to"):
        """{attack: its line of cells.csv} of minimax at 0.3, and the table's Markdown."""
        write_report(self.outputs, "short", self.outputs / to)
        lines = [line for line in read(self.outputs / to / "cells.csv") if line["table"] == table and line["ours"]]
        mine = {x["attack"]: x for x in lines if x["defense"] == "minimax" and x["eta"] == "0.3"}
        return mine, (self.outputs / to / f"{table}.md").read_text()


HONEST = (
    cell("none", 0.05),
    cell("noise", 0.06),
    cell("fgsm", 0.2),
    cell("attnet", 0.45),
    cell("fgsm_box", 0.2),
    cell("pgd", 0.4),
)


def ids(line):
    return {check.split(":")[0] for check in line["checks"].split("; ")}
