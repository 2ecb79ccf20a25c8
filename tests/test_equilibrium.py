"""audit=gap from the command line: files, numbers that agree with each other, and what is refused."""

import json
import re
import sys

import pytest
from conftest import TINY
from test_bad_input import assert_one_line

from mvm import train
from mvm.cli import entry
from mvm.solved import sets

SMALL = ("profile=smoke", "budgets.mnist.attack_iterations=20", "budgets.mnist.game_iterations=20")
GAMES = ("minimax", "alt", "maximin")


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """The folder of runs of the three games, and of one without an attack network."""
    outputs = tmp_path_factory.mktemp("outputs")
    with pytest.MonkeyPatch.context() as patch:
        for game in (*GAMES, "undefended"):
            patch.setattr(sys, "argv", ["mvm.train", *TINY, f"game={game}", "attacks=[none]", f"outputs={outputs}"])
            entry("train", train.main)
    return outputs / "runs"


@pytest.fixture
def audit(runs, mvm):
    return lambda *more, which="*": mvm("evaluate", f"runs={runs}/{which}", "audit=gap", *SMALL, *more)


def test_three_games_are_measured_written_and_kept(runs, audit, tmp_path):
    result = audit()
    assert result.status == 0, result.err
    assert result.folder == tmp_path / "gap.md" and "left out mnist5k-undefended" in result.out
    (found,) = json.loads((tmp_path / "gap.json").read_text())
    assert set(found["games"]) == set(GAMES) and found["n"] == 1000
    risk = {(r["u"], r["v"]): r["risk"] for r in found["risks"]}
    for name, game in found["games"].items():
        gap = risk[name, f"best({name})"] - risk[f"best({name})", name]
        assert game["gap"] == pytest.approx(gap, abs=1e-5) and game["gap_low"] < game["gap"] < game["gap_high"]
        assert game["direction"] == "lower bound"
        assert game["settings"]["defence"]["iterations"] == 20 == game["settings"]["attack"]["iterations"]
    items = [i["item"] for i in found["lemma1"]]
    assert {item: items.count(item) for item in items} == {"1.1": 9, "1.2": 2, "1.3": 9, "1.4": 4, "1.5": 4}
    for i in found["lemma1"]:
        assert i["difference"] == pytest.approx(risk[tuple(i["larger"])] - risk[tuple(i["smaller"])], abs=1e-5)
        assert i["low"] <= i["difference"] <= i["high"] and i["verdict"] in ("holds", "violated", "cannot say")
    ends = found["range"]
    assert ends["lower"]["risk"] == pytest.approx(risk["best(maximin)", "maximin"])
    assert ends["upper"]["risk"] == pytest.approx(risk["minimax", "best(minimax)"])
    page = (tmp_path / "gap.md").read_text()
    for told in (
        f"from {ends['lower']['risk']:.4f} [",
        f"to {ends['upper']['risk']:.4f} [",
        "each gap is a lower bound",
        "the range too narrow",
    ):
        assert told in page and told in result.out
    assert len(re.findall(r"the best (attack on|defence against) mnist5k\S+ .*\(\d+ s\)", result.out)) == 6
    assert all(f"{game['gap']:.4f}" in page + result.out for game in found["games"].values())
    assert (
        result.out.count("fail E32") == sum(c["verdict"] == "fail" for c in found["checks"]) == page.count("| violated")
    )
    again = audit()
    assert "the best" not in again.out.replace("the best worst", "").split("┏")[0]  # nothing is found twice
    assert json.loads((tmp_path / "gap.json").read_text()) == [found]


def test_without_minimax_and_maximin_their_items_are_not_run(audit, tmp_path):
    assert audit(which="mnist5k-alt-*").status == 0
    (found,) = json.loads((tmp_path / "gap.json").read_text())
    assert {i["item"] for i in found["lemma1"] if i["verdict"] == "not run"} == {"1.2", "1.4"}
    assert found["range"] is None


def test_another_attack_and_budget(audit, tmp_path):
    result = audit("attack@audit.attack=attnet", "audit.attack.iterations=5", which="mnist5k-alt-*")
    assert result.status == 0, result.err
    (found,) = json.loads((tmp_path / "gap.json").read_text())
    assert found["games"]["alt"]["settings"]["attack"]["_target_"] == "mvm.attacks.attnet.AttNetAttack"


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["audit=gab"], "Could not find 'audit/gab'.*gap"),
        (["attack@audit.attack=fgsm1"], "attack@audit.attack: a sample set is made on another run; attnet_risk"),
        (["eta=0.4"], "eta=0.4: a game is solved at the eta"),
        (["audit.defence.iterations=0"], "audit.defence: iterations=0: must be a whole number, 1 or more"),
        (["audit.attack.by=luck"], "by='luck': must be error or risk"),
        (["audit.attack.iteration=5"], "unknown setting audit.attack.iteration of AttNetBest; allowed: .*iterations"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_mistakes(audit, more, message):
    assert_one_line(audit(*more, which="mnist5k-alt-*"), message)


def test_runs_without_an_attack_network_are_refused(audit):
    assert_one_line(audit(which="mnist5k-undefended-*"), "none of these runs has an attack network.*game=minimax")


def test_only_games_of_the_same_terms_are_compared():
    class Game:
        def __init__(self, kind, fingerprint="f", **changes):
            self.kind, self.run = kind, type("Run", (), {"fingerprint": fingerprint})
            base = {"data": {"_target_": "mvm.data.x.X"}, "classifier": {}, "eta": 0.3, "seed": 0, "box": False}
            self.config = base | changes
            self.config["game"] = {"attack": {"box": self.config["box"]}}

    a, b = Game("minimax", "1"), Game("minimax", "2")
    others = [Game("alt"), Game("alt", eta=0.4), Game("alt", seed=1), Game("alt", box=True)]
    found = sets([a, b, *others])
    assert [list(group) for group in found] == [["minimax-1", "minimax-2", "alt"], ["alt"], ["alt"], ["alt"]]
