"""A replayed step is the step itself, bit for bit, and whatever cannot be replayed is not; without a GPU nothing is."""

from itertools import combinations, islice, product

import pytest
import pytorch_lightning as pl
import torch
from conftest import options
from narrow_games import PLAIN, game_of

from mvm.attacks.attnet import AttNetAttack
from mvm.attacks.attnet_best import AttNetBest
from mvm.attacks.pgd import PGD
from mvm.classifiers.mnist import MNISTNet
from mvm.data.augment import STILL, Augment
from mvm.data.batches import batches, blocks_together
from mvm.data.mnist5k import MNIST5k
from mvm.games.mixture import MIXES
from mvm.graphed import EAGER, Graphed, set_rate, set_seed

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU is here")


def trained(name: str, folder, *settings: str, alike: bool) -> list[torch.Tensor]:
    """The players' parameters after a short game on the GPU."""
    game = game_of(name, *settings)
    recorded = []
    if not alike:
        game.obstacle = lambda: "plain is asked for"
    game.on_train_end = lambda: recorded.append(game.replayed and game.replayed.graph)
    trainer = pl.Trainer(
        accelerator="gpu", devices=1, max_epochs=1, default_root_dir=folder, logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False, num_sanity_val_steps=0, inference_mode=False,
    )  # fmt: skip
    trainer.fit(game, datamodule=MNIST5k(batch_size=32))
    assert bool(recorded[0]) == (alike and not game.obstacle())
    return [p.detach().clone() for player in game.trained for p in getattr(game, player).parameters()]


def agree(name: str, folder, *settings: str) -> list[torch.Tensor]:
    """Asserts that replays end where plain iterations do, exactly where plain trainings agree; the replays' end.

    Of those there are three: where additions are made in any order, two may agree by chance.
    """
    plain = [trained(name, folder, *settings, alike=False) for _ in range(3)]
    replayed = trained(name, folder, *settings, alike=True)
    apart = max(distance(a, b) for a, b in combinations(plain, 2))
    assert min(distance(one, replayed) for one in plain) <= 3 * apart
    return replayed


def distance(a: list[torch.Tensor], b: list[torch.Tensor]) -> float:
    return max((x - y).abs().max().item() for x, y in zip(a, b, strict=True))


@needs_gpu
@pytest.mark.parametrize("name", [game for game in options("game") if game not in PLAIN])
def test_a_replayed_game_ends_where_the_plain_one_does(name, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.backends.cudnn, "deterministic", True)
    agree(name, tmp_path)


@needs_gpu
@pytest.mark.parametrize(
    "settings",
    [("minimax", "recipe=best"), ("pgd_train",), *(("mixture", f"game.mix={mix}") for mix in MIXES)],
)
def test_a_game_is_replayed_once_its_warm_up_is_over(settings, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.backends.cudnn, "deterministic", True)
    name, *more = settings
    agree(name, tmp_path, *more, "game.warm_up=0.3")


@needs_gpu
def test_a_rate_that_changes_is_read_by_replays(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.backends.cudnn, "deterministic", True)
    cycle = agree("alt", tmp_path, "game.lambda_schedule=cycle")
    assert distance(cycle, trained("alt", tmp_path, alike=True)) > 1e-5


@needs_gpu
@pytest.mark.parametrize("kind", [AttNetAttack, AttNetBest])
def test_attack_networks_are_the_same_by_replays(kind, monkeypatch, capsys):
    monkeypatch.setattr(torch.backends.cudnn, "deterministic", True)
    torch.manual_seed(0)
    net = MNISTNet(width=0.1).cuda()
    x, y = torch.rand(400, 1, 28, 28, device="cuda") * 2 - 1, torch.arange(400, device="cuda") % 10
    more = {"recipes": {"margin": {"dropout": 0.3}}} if kind is AttNetBest else {}

    def images() -> torch.Tensor:
        attack = kind((1, 28, 28), eta=0.3, iterations=20, batch_size=32, **more)
        attack.fit(net, x, y, val=(x, y))
        return attack(net, x, y)

    replayed = images()
    assert "recording it failed" not in capsys.readouterr().out
    monkeypatch.setattr("mvm.graphed.EAGER", 1000)
    plain, again = images(), images()
    assert (replayed - plain).abs().max() <= 3 * (plain - again).abs().max()


@needs_gpu
def test_a_step_that_asks_for_a_value_stays_plain_and_random_numbers_go_on(capsys):
    drawn = []

    def step(x: torch.Tensor) -> dict[str, torch.Tensor]:
        drawn.append(torch.rand(3, device="cuda"))
        return {"sum": x.sum() if x.sum().item() > 0 else -x.sum()}

    x, graphed = torch.ones(3, device="cuda"), Graphed(step, [])
    torch.cuda.manual_seed(7)
    assert [graphed(x)["sum"].item() for _ in range(EAGER + 3)] == [3] * (EAGER + 3)
    assert graphed.graph is None and "recording it failed" in capsys.readouterr().out
    torch.cuda.manual_seed(7)
    expected = [torch.rand(3, device="cuda") for _ in range(EAGER + 3)]
    got = drawn[:EAGER] + drawn[EAGER + 1 :]  # without the recording's own call
    assert all(torch.equal(a, b) for a, b in zip(expected, got, strict=True))


@needs_gpu
def test_a_graph_outlives_others():
    """What one graph works in is not given back with another one, nor with what the libraries keep."""
    torch.manual_seed(0)
    a, b = torch.rand(2, 2048, 2048, device="cuda")
    first, second = (Graphed(lambda x: {"sum": (x @ b @ b).square().mean()}, []) for _ in range(2))
    expected = [first(a).popitem()[1].item() for _ in range(EAGER + 2)][-1]
    assert [second(a).popitem()[1].item() for _ in range(EAGER + 2)][-1] == expected
    del first
    torch.cuda.empty_cache()
    for _ in range(3):
        scratch = torch.full((64, 1 << 20), torch.nan, device="cuda")  # takes what was given back
        assert second(a)["sum"].item() == expected
        del scratch


@needs_gpu
def test_mini_batches_are_the_same_on_a_gpu():
    x, y = torch.rand(100, 1, 3, 3), torch.arange(100)
    for start, augment in product((0, 7), (STILL, Augment(1, True))):
        here, there = (list(islice(batches(x.to(d), y.to(d), 8, 0, start, augment), 30)) for d in ("cpu", "cuda"))
        assert all(
            torch.equal(a[0], b[0].cpu()) and torch.equal(a[1], b[1].cpu()) for a, b in zip(here, there, strict=True)
        )


@needs_gpu
def test_other_shapes_are_not_replayed():
    graphed = Graphed(lambda x: {"sum": x.sum()}, [])
    for _ in range(EAGER + 2):
        assert graphed(torch.ones(3, device="cuda"))["sum"] == 3
    assert graphed.graph and graphed(torch.ones(5, device="cuda"))["sum"] == 5


@pytest.mark.parametrize("where", ["cpu", pytest.param("cuda", marks=needs_gpu)])
def test_an_attack_starts_where_the_number_says_that_it_was_given(where):
    net, x, y = MNISTNet(width=0.1).to(where), torch.rand(4, 1, 28, 28, device=where), torch.arange(4, device=where)
    given, places = PGD(eta=0.3, steps=2), set()
    for seed in (1 << 62, 7, 8):
        set_seed(given, seed, x.device)
        told = [PGD(eta=0.3, steps=2, seed=s)(net, x, y) for s in (seed, torch.tensor(seed, device=where))]
        assert all(torch.equal(given(net, x, y), z) for z in told)
        places.add(given.seed.data_ptr() if where == "cuda" else given.seed)
    assert len(places) == (1 if where == "cuda" else 3)


@needs_gpu
def test_replays_start_where_the_seed_says():
    net, x, y = MNISTNet(width=0.1).cuda(), torch.rand(4, 1, 28, 28, device="cuda"), torch.arange(4, device="cuda")
    given = PGD(eta=0.3, steps=2)
    step, sums = Graphed(lambda x, y: {"sum": (given(net, x, y) - x).abs().sum()}, []), set()
    for seed in range(EAGER + 3):
        set_seed(given, seed, x.device)
        told = (PGD(eta=0.3, steps=2, seed=seed)(net, x, y) - x).abs().sum()
        torch.testing.assert_close(step(x, y)["sum"], told)
        sums.add(told.item())
    assert step.graph and len(sums) == EAGER + 3


def test_without_a_gpu_every_call_is_the_step_itself():
    calls = []
    graphed = Graphed(lambda x: calls.append(x) or {"x": x}, [])
    given = [torch.rand(2) for _ in range(EAGER + 3)]
    assert all(graphed(x)["x"] is x for x in given) and len(calls) == len(given) and graphed.graph is None


@pytest.mark.parametrize("where", ["cpu", pytest.param("cuda", marks=needs_gpu)])
def test_the_rate_of_every_group_is_set(where):
    p = [torch.zeros(2, device=where, requires_grad=True) for _ in range(2)]
    adam = torch.optim.Adam([{"params": [p[0]]}, {"params": [p[1]], "lr": 3.0}], lr=1.0, fused=True)
    adam.param_groups[0]["lr"] = torch.tensor(7.0)  # as from a checkpoint
    for rate in (0.5, 0.25):
        set_rate(adam, rate)
        assert [float(group["lr"]) for group in adam.param_groups] == [rate, rate]
        assert {torch.as_tensor(group["lr"]).device.type for group in adam.param_groups} == {where}


@pytest.mark.parametrize(("between", "together"), [(100, 10), (25, 5), (7, 7), (13, 1), (1, 1), (1.0, 1)])
def test_blocks_become_one_on_a_gpu_and_checkpoints_stay_where_they_are(between, together):
    assert blocks_together(between, torch.device("cuda")) == together
    assert blocks_together(between, torch.device("cpu")) == 1
