"""Planted weaknesses go through `python -m mvm.evaluate` and come out struck by name; an honest net does not."""

import copy
import csv
import json
import shutil
import sys

import pytest
import torch
import yaml
from conftest import TINY, read
from safetensors.torch import load_file, save_file
from test_bad_input import assert_one_line
from torch import nn

from mvm import evaluation, inspection, train
from mvm.attacks.fgsm import FGSM
from mvm.audit.checks import selftest
from mvm.audit.checks.defender import gradients
from mvm.audit.checks.selftest import Masked
from mvm.audit.checks.verdict import PASS, Check
from mvm.cli import entry
from mvm.data.images import Split

HONEST = ("game=adv_train", "attack=pgd3", "game.examples=current", "attacks=[none]")
BUDGET = ("budgets.mnist.undefended.iterations=150", "budgets.mnist.iterations=150", "trainer.limit_train_batches=5")
QUICK = ("profile=smoke", "budgets.mnist.probe=40", "attacks=[none,noise,fgsm,ifgsm,pgd]", "attacks.ifgsm.step=0.1")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """{game: its run's folder}: an undefended net, and one trained on PGD's images of itself."""
    outputs = tmp_path_factory.mktemp("outputs")
    with pytest.MonkeyPatch.context() as patch:
        for game in (HONEST, ("game=undefended", "attacks=[none]")):
            patch.setattr(sys, "argv", ["mvm.train", *TINY, *game, *BUDGET, f"outputs={outputs}"])
            entry("train", train.main)
    return {game: next(outputs.glob(f"runs/mnist5k-{game}-*")) for game in ("adv_train", "undefended")}


@pytest.fixture
def planted(made, mvm, tmp_path, monkeypatch):
    """planted(game, *overrides, net=, data=): the rows of grid.csv as {attack: (error, {ids with !})}.

    net, data: what becomes of the loaded classifier and test split before anything is scored.
    """
    loaded = evaluation.defence

    def run(game, *overrides, net=lambda g: g, data=lambda test: test.select(torch.arange(0, 1000, 3)), attacks=QUICK):
        folder = tmp_path / "runs" / made[game].name
        if not folder.exists():
            shutil.copytree(made[game], folder, ignore=shutil.ignore_patterns("cells"))

        def defence(*args):
            classifier, images = loaded(*args)
            images = copy.copy(images)
            images.test = data(images.test)
            return net(classifier), images

        monkeypatch.setattr(evaluation, "defence", defence)
        run.result = mvm("evaluate", f"runs={tmp_path}/runs/*", *attacks, *overrides)
        run.folder = folder
        assert run.result.status == 0, run.result.err
        rows = read(tmp_path / "grid.csv")
        return {row["attack"]: (row["error"], set(row["checks"].split())) for row in rows}

    return run


def fails(rows):
    """{attack: ids of failed checks}; what fails is struck, and nothing else."""
    out = {attack: {id.rstrip("!") for id in ids if id.endswith("!")} for attack, (_, ids) in rows.items()}
    assert all(error.startswith(">=") == bool(out[attack]) for attack, (error, _) in rows.items())
    return out


def named(planted, id, words):
    """Whether the lines under the table say what is wrong."""
    return any(line.startswith(f"fail {id}: ") and words in line for line in planted.result.out.splitlines())


def everywhere(rows):
    """The ids that strike every cell."""
    return set.intersection(*fails(rows).values())


def test_an_honest_net_passes(planted, tmp_path):
    rows = planted("adv_train")
    assert fails(rows) == {name: set() for name in ("none", "noise", "fgsm", "ifgsm", "pgd", "worst")}
    assert float(rows["worst"][0]) >= float(rows["pgd"][0]) > float(rows["none"][0])
    assert "E16" not in rows["pgd"][1] and "E26" not in rows["pgd"][1]
    checks = json.loads((tmp_path / "checks.json").read_text())
    assert {c["verdict"] for c in checks} == {"pass", "warn", "not tried"}
    assert {c["run"] for c in checks} == {planted.folder.name}
    tried = {id: {c["verdict"] for c in checks if c["id"] == id} for id in ("E07", "E16", "E25", "E31")}
    assert tried == {"E07": {"pass", "not tried"}, "E16": {"pass"}, "E25": {"not tried"}, "E31": {"not tried"}}
    lone = [line for line in planted.result.out.splitlines() if line.startswith("not tried: ")]
    assert [line[11:29] for line in lone] == [f"{id} on 1 of 1 run:" for id in ("E07", "E25", "E31")]
    assert all(f"among runs={tmp_path}/runs/*" in line for line in lone)
    (order,) = [c for c in checks if c["id"] == "E06" and "PGD below" in c["text"]]
    assert order["verdict"] == "pass" and order["numbers"]["stronger"] >= order["numbers"]["weaker"] > 0
    assert {f"E{i:02}" for i in (1, 2, 5, 9, 10, 13, 15, 17, 18, 26, 33)} <= {c["id"] for c in checks}


def test_a_masked_net(planted):
    found = everywhere(planted("undefended", net=Masked))
    assert found >= {"E05", "E10", "E25"}  # no gradients, not broken at eta = 1, PGD fails on an undefended net
    assert named(planted, "E05", "zero input gradients: masked")


def test_an_undefended_twin_that_pgd_does_not_break_strikes_its_data_set(planted, tmp_path):
    """E25 alone: the other run, honest, is struck for the broken attack too."""
    planted("undefended", net=Masked)
    planted("adv_train", net=Masked)
    rows = read(tmp_path / "grid.csv")
    assert {row["defense"] for row in rows if "E25!" in row["checks"]} == {"undefended", "adv_train"}
    silent = [line for line in planted.result.out.splitlines() if line.startswith("not tried: ")]
    assert [line[11:29] for line in silent] == ["E07 on 1 of 2 runs", "E31 on 2 of 2 runs"]  # E07: the undefended one


class StaysInTrain(nn.Module):
    """Dropout that eval mode does not reach."""

    def __init__(self, net):
        super().__init__()
        self.net, self.dropout = net, nn.Dropout(0.3)

    def train(self, mode=True):
        return super().train(True)

    def forward(self, x):
        return self.net(self.dropout(x))


def test_a_net_left_in_train_mode(planted):
    assert everywhere(planted("undefended", net=StaysInTrain)) >= {"E02", "E03"}
    assert named(planted, "E02", "dropout or batch norm in train mode")


def test_an_attacker_with_steps_of_nearly_nothing(planted):
    found = fails(planted("adv_train", "attacks.ifgsm.step=1e-9"))
    assert {"E12", "E18"} <= found["ifgsm"] and not found["pgd"] and not found["fgsm"]
    assert found["worst"] == {"E20"}  # the net was trained on PGD, and what is struck is no other attack
    assert named(planted, "E12", "too few steps") and named(planted, "E18", "dead attacker")


def test_a_softmax_output(planted):
    assert "E04" in everywhere(planted("undefended", net=lambda g: nn.Sequential(g, nn.Softmax(1))))
    assert named(planted, "E04", "outputs are probabilities")


def test_mislabelled_test_images(planted):
    def shuffled(test):  # a fifth of them: the rule allows 8 points on so few images
        return Split(test.x, torch.where(torch.arange(len(test.y)) % 5 == 0, (test.y + 1) % 10, test.y), test.unit)

    assert "E33" in everywhere(planted("adv_train", data=shuffled))
    assert named(planted, "E33", "clean test error far above validation error: labels?")


def test_an_attack_that_leaves_the_ball_by_a_thousandth(planted, monkeypatch):
    monkeypatch.setattr(FGSM, "perturb", lambda self, g, x, y: x + self.eta + 1e-3)
    rows = planted("adv_train", attacks=(*QUICK[:2], "attacks=[none,noise,fgsm,pgd]"))
    assert "E01" in fails(rows)["fgsm"] and "E01" not in fails(rows)["pgd"]
    assert rows["fgsm"][0].removeprefix(">=") == f"{float(rows['none'][0]):.4f}"  # its images count as clean
    assert named(planted, "E01", "moved a pixel by 0.301")


def test_scores_of_other_weights_are_made_anew(planted):
    before = planted("adv_train")
    file = planted.folder / "defender.safetensors"
    save_file({name: -w for name, w in load_file(file).items()}, file)
    after = planted("adv_train")
    assert "E23" not in everywhere(after) and after["none"][0] != before["none"][0]


def test_cells_of_other_images(planted):
    planted("adv_train", attacks=(*QUICK[:2], "attacks=[none]"))
    assert "E24" in everywhere(planted("adv_train", data=lambda test: test.select(torch.arange(1, 1000, 3))))


def test_no_unseen_attack_is_no_robustness(planted):
    found = fails(planted("undefended", attacks=(*QUICK[:2], "attacks=[none,noise,fgsm]")))
    assert found["worst"] == {"E20"} and not found["fgsm"]
    assert "no attack was scored that is unseen" in planted.result.out


def test_without_an_attack_there_is_no_worst_case_to_judge(planted, tmp_path):
    rows = planted("undefended", attacks=(*QUICK[:2], "attacks=[none]"))
    assert "worst" not in rows and "E20" not in planted.result.out
    assert "E20" not in {c["id"] for c in json.loads((tmp_path / "checks.json").read_text())}


def test_no_clean_error(planted):
    assert "E27" in everywhere(planted("adv_train", attacks=(*QUICK[:2], "attacks=[noise,fgsm]")))


def test_test_images_among_the_validation_images(planted, monkeypatch):
    monkeypatch.setattr(inspection, "apart", lambda val, test, real=inspection.apart: real(test, test))
    assert "E27" in everywhere(planted("adv_train"))


def test_a_net_without_a_graph_is_not_scored(made, planted, tmp_path, mvm):
    class Frozen(nn.Module):
        def __init__(self, net):
            super().__init__()
            self.net = net

        @torch.no_grad()
        def forward(self, x):
            return self.net(x)

    with pytest.raises(AssertionError, match="skipped"):
        planted("undefended", net=Frozen)
    assert_one_line(planted.result, "1 of 1 runs were skipped")
    assert "E28: no gradient reaches the images" in planted.result.out


def test_catastrophic_overfitting_is_a_badge(planted, made):
    (made_rows,) = [read(made["adv_train"] / "history.csv")]
    assert all(0 <= float(row["val_pgd_error"]) <= 1 for row in made_rows)  # training watches PGD
    assert "E16" not in planted("adv_train")["pgd"][1]
    path = planted.folder / "history.csv"
    for row, own, pgd in zip(made_rows, (0.5, 0.2, 0.05), (0.4, 0.5, 1.0), strict=True):
        row["val_error"], row["val_pgd_error"] = own, pgd
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, list(made_rows[0]))
        writer.writeheader()
        writer.writerows(made_rows)
    assert "E16" in planted("adv_train")["pgd"][1]


def test_checks_that_miss_a_masked_net_strike_everything(planted, monkeypatch):
    blind = lambda *a: Check("E05", PASS, "")  # noqa: E731
    monkeypatch.setattr(selftest, "gradients", blind)
    assert "E26" in everywhere(planted("adv_train")) and gradients is not blind


def test_a_copy_from_another_seed_is_found(planted, made, tmp_path):
    """Two seeds (here of equal weights): each is the other's copy, and their images are carried over."""
    other = tmp_path / "runs" / made["adv_train"].name.replace("seed0", "seed1")
    shutil.copytree(made["adv_train"], other, ignore=shutil.ignore_patterns("cells"))
    config = yaml.safe_load((other / "config.yaml").read_text()) | {"seed": 1}
    config["game"]["seed"] = config["game"]["against"]["seed"] = 1
    (other / "config.yaml").write_text(yaml.safe_dump(config))
    planted("adv_train")
    assert "not tried: E31" not in planted.result.out and "not tried: E07 on 2 of 2 runs" in planted.result.out
    for folder in (planted.folder, other):
        found = [c for file in (folder / "checks").glob("*.json") for c in json.loads(file.read_text())["found"]]
        assert [c["verdict"] for c in found if c["id"] == "E31"] == ["pass"]
