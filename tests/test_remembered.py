"""Adversarial images of a fixed target are made once for each training image, and nothing else changes by it."""

import pytest
import torch
from conftest import TINY
from safetensors.torch import load_file

from mvm.attacks.fgsm import FGSM
from mvm.data.batches import batches, images_of
from mvm.games import mixed

# 325 images, of which an epoch of ten mini-batches leaves out five
EPOCHS = (*TINY, "data.val=3675", "budgets.mnist.undefended.iterations=10", "budgets.mnist.iterations=25",
          "budgets.mnist.round_iterations={1: 25, 2: 5}", "budgets.mnist.rounds=2")  # fmt: skip


def test_images_of_an_iteration_are_those_of_its_mini_batch():
    x, y = torch.arange(23.0), torch.arange(23)
    for start in (0, 7):
        for iteration, (xs, ys) in zip(range(start, 20), batches(x, y, 5, 3, start), strict=False):
            assert torch.equal(ys, images_of(iteration, 23, 5, 3)) and torch.equal(xs, ys.float())


@pytest.mark.parametrize("game", ["adv_train", "cat_mouse"])
def test_remembering_leaves_the_weights_as_they_are(game, mvm, tmp_path, monkeypatch):
    made = []
    perturb = FGSM.perturb
    monkeypatch.setattr(FGSM, "perturb", lambda *given: made.append(len(given[2])) or perturb(*given))
    weights, calls = {}, {}
    for how in ("with", "without"):
        if how == "without":
            monkeypatch.setattr(mixed, "remembered", lambda *_: None)
        made.clear()
        result = mvm("train", *EPOCHS, f"game={game}", f"outputs={tmp_path}/{how}", "attacks=[none]")
        assert result.status == 0, result.err
        weights[how], calls[how] = load_file(result.folder / "defender.safetensors"), made.count(32)
    # Bit for bit where the row of an image in its mini-batch does not matter to the kernels; 0.006 if broken
    torch.testing.assert_close(weights["with"], weights["without"], rtol=0, atol=1e-3)
    assert calls["without"] >= 25 and 10 <= calls["with"] < calls["without"] - 4


@pytest.mark.parametrize("settings", ["game=adv_train game.examples=current", "game=adv_train attack=pgd3",
                                      "game=cat_mouse budgets.mnist.round_iterations=3",
                                      "game=adv_train data.shift=1"])  # fmt: skip
def test_what_changes_or_does_not_come_back_is_not_remembered(settings, mvm, monkeypatch):
    from mvm.games.remembered import Remembered

    monkeypatch.setattr(Remembered, "__call__", lambda *_: pytest.fail("remembered"))
    result = mvm("train", *EPOCHS, *settings.split(), "attacks=[none]")
    assert result.status == 0, result.err
