"""Each mistake gets one line that says what was given and what is allowed, and a non-zero exit status."""

import errno
import re
import shutil

import pytest
from conftest import TINY
from safetensors.torch import load_file, save_file

from mvm.data.mnist5k import MNIST5k

ONE_LINE = [
    ("eta=-1", "eta=-1.0: .* must be a number in \\[0, 2\\]"),
    ("eta=0", "eta=0 leaves the attacker nothing to do"),
    ("eta=nan", "must be a number"),
    ("eta=2.5", "must be a number in \\[0, 2\\]"),
    ("eta=big", "eta: Value 'big'"),
    ("game=minmax", "Could not find 'game/minmax'.*alt, attnet, cat_mouse"),
    ("attack=foo", "Could not find 'attack/foo'.*fgsm, ifgsm"),
    ("attacks=[none,foo]", "Could not load 'attacks/foo'.*fgsm, ifgsm"),
    ("data=imagenet", "Could not find 'data/imagenet'.*cifar10, mnist"),
    ("etaa=0.2", "unknown setting etaa; allowed: eta, seed"),
    ("table=table5,table10", "table=table5,table10: one preset a command; several are `make table5 table10`"),
    ("exhibit=table10", "data=mnist5k: table10 is of cifar10; of mnist5k are table1, .*figure4$"),
    ("game.gama=2", "unknown setting game.gama of Minimax; allowed: .*gamma"),
    ("outputs/runs/a", "cannot read outputs/runs/a: settings are written name=value"),
    ("attacks.fgsm.box=no", "attacks.fgsm: box=no: must be true or false"),
    ("game.gamma=-1", "gamma=-1: .* must be a number, 0 or more"),
    ("game.gamma=x", "gamma=x: .* must be a number, 0 or more"),
    ("game.penalty=foo", "penalty='foo': must be one of exact, linear, image, double, part, lookahead, carried, fd"),
    ("game.order=sideways", "order='sideways': must be one of simultaneous"),
    ("game.ascent_steps=0", "ascent_steps=0: must be a whole number, 1 or more"),
    ("game.ascend_on=all", "ascend_on='all': must be one of same, other"),
    ("game.ascend_on=other", "ascend_on=other with order=simultaneous and ascent_steps=1: no ascent comes before"),
    ("game.lambda_schedule=up", "lambda_schedule='up': must be one of constant, rise, cycle"),
    ("game.warm_up=1", "warm_up=1: must be a share of the iterations, in \\[0, 1\\)"),
    ("recipe=worst", "Could not find 'recipe/worst'.*best"),
    ("attack=fgsm", "attack=fgsm is not a network that this game could train; allowed: attnet, attnet_folded"),
    (
        "attack=attnet_folded",
        "order='simultaneous' with an attack network that climbs a gain of its own",
    ),
    ("game.lambda_=-1", "lambda_=-1: must be a positive number"),
    ("game.iterations=0", "iterations=0: must be a whole number, 1 or more"),
    ("game.iterations=1e2", "iterations=100.0: must be a whole number, 1 or more, without a point or an exponent"),
    ("attacks.fgsm.eta=3", "eta=3"),
    ("classifier.width=0", "width=0: must be a positive number"),
    ("data.batch_size=0", "batch_size=0: must be a whole number, 1 or more"),
    ("data.val=0", "val=0: must be a whole number, 1 or more"),
    ("data.batch_size=5000", "there are only 3500 training images"),
    ("trainer.accelerator=abacus", "must be auto, cpu or gpu"),
    ("+trainer.max_epochs=3", "trainer.max_epochs=3: is set by mvm.train; game.iterations says how long"),
    ("+trainer.gradient_clip_val=1", "trainer.gradient_clip_val=1: would change what a run computes"),
    ("trainer.limit_train_batches=0.5", "trainer.limit_train_batches=0.5: must be a whole number"),
    ("seed=x", "seed: Value 'x'"),
    ("eta=0.3=0.4", "cannot read eta=0.3=0.4: .* needs quotes: 'eta=\"...\"'"),
    ("attack.sigma=0.1", r"attack.sigma=0.1: .* game=minimax trains it with game.sigma"),
    ("attack.seed=1", "attack.seed=1: game=minimax draws anew at every iteration; seed= is the seed"),
    ("attack.box=off", "attack: box=off: must be true or false"),
    ("+game.u_optimizer.lr=0.5", "game.u_optimizer.lr=0.5: the rate of u is lambda_"),
    ("attacks=[none,pgd", r"cannot read attacks=\[none,pgd: "),
]


@pytest.mark.parametrize(("override", "message"), ONE_LINE, ids=[override for override, _ in ONE_LINE])
def test_one_line_and_no_traceback(override, message, mvm):
    result = mvm("train", *TINY, "game=minimax", override)
    assert_one_line(result, message)


def assert_one_line(result, message):
    assert result.status == 1
    lines = result.err.strip().splitlines()
    lines = [line for line in lines if not line.startswith("Error executing job")]
    assert len(lines) == 1 and lines[0].startswith("mvm: "), result.err
    assert re.search(message, lines[0]), lines[0]
    assert "Traceback" not in result.out + result.err


@pytest.mark.parametrize("game", ["alt", "undefended", "mixture"])
def test_a_recipe_for_another_game(game, mvm):
    result = mvm("train", *TINY, f"game={game}", "recipe=best")
    assert_one_line(result, f"game={game} recipe=best: the recipe is one for game=minimax")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (("mixture", "members=[fgsm]", "attack=pgd7"), "attack=pgd7: game=mixture does not read it; .* members=..."),
        (("undefended", "attack=fgsm"), "attack=fgsm: game=undefended does not read it$"),
    ],
)
def test_an_attack_that_the_game_does_not_play_is_said(settings, said, mvm):
    result = mvm("train", *TINY, *(f"game={settings[0]}", *settings[1:]))
    assert result.status == 0 and re.search(said, result.out.split("\nmnist5k")[0], re.MULTILINE), result.out


WRONG = ["game.rounds=0", "game.round_iterations=few", "attacks.fgsm.eta=-1", "attacks.pgd.steps=50.0"]
WRONG += ["attacks.attnet.iterations=1e1", "attacks.attnet.batch_size=0", "attacks.attnet_best.sigma=-1"]


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_setting_shows_before_what_the_game_builds_on_is_trained(wrong, mvm, tmp_path):
    name, value = wrong.replace("1e1", "10.0").split(".", maxsplit=1)[1].split("=")
    result = mvm("train", *TINY, "game=cat_mouse", "attacks=[none,fgsm,pgd,attnet,attnet_best]", wrong)
    assert_one_line(result, f"{name.split('.')[-1]}={value}")
    assert not list(tmp_path.glob("runs/*"))


def test_a_source_that_is_not_there(mvm, tmp_path):
    result = mvm("train", *TINY, "game=adv_train", f"game.source={tmp_path}/nothing")
    assert_one_line(result, "no trained run is there")


def test_a_package_that_is_missing_shows_before_training(mvm, tmp_path, monkeypatch):
    monkeypatch.setattr("mvm.attacks.autoattack.PACKAGE", "not_installed_here")
    result = mvm("train", *TINY, "game=undefended", "attacks=[none,autoattack]")
    assert_one_line(result, r"needs the package not_installed_here: pip install -e '.\[autoattack\]'")
    assert not list(tmp_path.glob("runs/*"))


def test_sources_are_told_apart_by_what_they_are(mvm, tmp_path):
    """Not by the last name of a folder; one that is named like its settings is that run, wherever it lies."""
    undefended = mvm("train", *TINY, "game=undefended", "attacks=[none]").folder
    ask = ("train", *TINY, "game=adv_train", "attacks=[none]")
    usual = mvm(*ask).folder
    assert mvm(*ask, f"game.source={undefended}").folder == usual
    folders = set()
    for name, factor in (("a/best", 1.0), ("b/best", 0.5)):
        shutil.copytree(undefended, tmp_path / name)
        file = tmp_path / name / "defender.safetensors"
        save_file({key: factor * w for key, w in load_file(file).items()}, file)
        folders.add(mvm(*ask, f"game.source={tmp_path / name}").folder)
    assert len(folders | {usual}) == 3


def test_a_risk_that_becomes_nan_keeps_the_last_good_checkpoint(mvm, tmp_path, monkeypatch):
    from mvm.games.undefended import Undefended

    loss = Undefended.loss

    def explodes(self, x, y):
        return loss(self, x * (float("inf") if self.iteration == 24 else 1), y)

    with monkeypatch.context() as patch:
        patch.setattr(Undefended, "loss", explodes)
        assert_one_line(mvm("train", *TINY, "game=undefended"), "became nan at iteration 25 of 60")
    (folder,) = (tmp_path / "runs").iterdir()
    assert (folder / "history.csv").read_text().splitlines()[-1].startswith("20,")
    assert not (folder / "defender.safetensors").exists()
    assert mvm("train", *TINY, "game=undefended").status == 0  # and it goes on from there


def test_a_step_to_nan_at_the_end_of_the_game_is_not_kept(mvm, tmp_path, monkeypatch):
    """The risks were finite: they are those before each step."""
    from mvm.games.undefended import Undefended

    iterate = Undefended.iterate

    def leaps(self, x, y):
        seen = iterate(self, x, y)
        if self.iteration == 59:
            self.defender[0].bias.data[0] = float("nan")
        return seen

    with monkeypatch.context() as patch:
        patch.setattr(Undefended, "iterate", leaps)
        assert_one_line(mvm("train", *TINY, "game=undefended"), "defender is not finite after iteration 60 of 60")
    (folder,) = (tmp_path / "runs").iterdir()
    assert not (folder / "defender.safetensors").exists()
    assert (folder / "history.csv").read_text().splitlines()[-1].startswith("50,")
    assert mvm("train", *TINY, "game=undefended").status == 0  # and it goes on from there


def test_a_corrupt_checkpoint(mvm, tmp_path, monkeypatch):
    folder = mvm("train", *TINY, "game=undefended").folder
    whole = (folder / "last.ckpt").read_bytes()
    (folder / "defender.safetensors").unlink()
    for content in (b"", b"not a checkpoint", whole[: len(whole) // 2]):
        (folder / "last.ckpt").write_bytes(content)
        result = mvm("train", *TINY, "game=undefended")
        assert_one_line(result, "last.ckpt is damaged.*force=true")
    assert mvm("train", *TINY, "game=undefended", "force=true").status == 0


def test_damaged_weights(mvm):
    folder = mvm("train", *TINY, "game=undefended").folder
    (folder / "defender.safetensors").write_bytes(b"junk")
    result = mvm("train", *TINY, "game=undefended", "attacks=[noise]")
    assert_one_line(result, "cannot read the weights in .*force=true")


def test_a_half_written_cell_is_scored_again(mvm):
    folder = mvm("train", *TINY, "game=undefended").folder
    cell = next((folder / "cells").glob("fgsm-*.json"))
    whole = cell.read_text()
    cell.write_text(whole[:20])
    assert mvm("train", *TINY, "game=undefended").status == 0
    assert '"attack": "fgsm"' in cell.read_text()


def test_an_output_folder_that_cannot_be_written(mvm, tmp_path):
    (tmp_path / "file").write_text("in the way")
    assert_one_line(mvm("train", *TINY, f"outputs={tmp_path}/file"), "cannot (read or )?write .*outputs=DIR")


def test_a_disk_that_fills_up_keeps_the_last_good_checkpoint(mvm, tmp_path, monkeypatch):
    from pytorch_lightning import Trainer

    save, calls = Trainer.save_checkpoint, []

    def full(self, path, *args, **kwargs):
        calls.append(path)
        if len(calls) == 3:
            path.write_bytes(b"half")
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        save(self, path, *args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "save_checkpoint", full)
        assert_one_line(mvm("train", *TINY, "game=undefended"), "No space left on device; outputs=DIR")
    (folder,) = (tmp_path / "runs").iterdir()
    assert sorted(file.name for file in folder.iterdir()) == ["config.yaml", "history.csv", "last.ckpt"]
    resumed = mvm("train", *TINY, "game=undefended")
    assert resumed.status == 0 and "40 iterations at" in resumed.out


def test_a_bug_of_ours_shows_its_traceback(mvm, monkeypatch):
    def bug(self):
        raise AssertionError("a bug")

    monkeypatch.setattr(MNIST5k, "load", bug)
    with pytest.raises(AssertionError, match="a bug"):
        mvm("train", *TINY, "game=undefended")
