"""What surrounds the step of a game: random numbers, the other mini-batches, the warm-up, what is recorded."""

import copy

import pytest
import torch
from one_step import FOLLOW, PLAIN, SIGMA, Learned, check, expected_u, fgsm
from problems import Linear, Smooth, images, numeric_gradient
from torch import nn

from mvm.attacks.attack import Attack, wrong
from mvm.attacks.noise import Noise
from mvm.attacks.none import Clean
from mvm.games.adv_train import AdvTrain
from mvm.games.attnet import AttNetGame
from mvm.games.lwa_fgsm import LWAFGSM
from mvm.games.mixture import Mixture
from mvm.games.pgd_train import PGDTrain
from mvm.games.undefended import Undefended
from mvm.risk import risk


@pytest.fixture
def ready(monkeypatch):
    """A game that can be played without a Trainer."""

    def with_optimizers(game):
        optimizers = game.configure_optimizers()
        monkeypatch.setattr(game, "optimizers", lambda: optimizers)
        monkeypatch.setattr(game, "log_dict", lambda *a, **k: None)
        return game

    return with_optimizers


class Draws(Undefended):
    """Notes a random number and the other mini-batches of each iteration."""

    def iterate(self, x, y):
        self.drawn.append(torch.rand(()).item())
        self.others_seen.append([int(labels[0]) for _, labels in self.ahead])
        self.seen = {"risk": torch.zeros(()), "error": torch.zeros(())}
        return {}


@pytest.fixture
def played(ready):
    def play(seed=0, begin=0, n=12):
        game = ready(Draws(Smooth(), iterations=20, lambda_=0.1, seed=seed))
        game.drawn, game.others_seen, game.iteration = [], [], begin
        x = torch.zeros(1, 1, 2, 3, dtype=torch.float64)
        game.training_step([(x, torch.tensor([k])) for k in range(n)], 0)
        return game

    return play


def test_random_numbers_are_others_at_every_iteration_and_seed(played):
    one = played().drawn
    assert len(set(one)) == 12 and not set(one) & set(played(seed=1).drawn)
    assert played(begin=5, n=3).drawn == one[5:8]


def test_the_other_mini_batches_are_those_of_ten_together_from_the_next_on(played):
    others = played().others_seen
    assert others[0] == list(range(1, 10)) and others[3] == [4, 5, 6, 7, 8, 9, 0, 1, 2]
    assert others[10] == [11] and others[11] == [10]


@pytest.mark.parametrize("kind", ["pgd_train", "mixture"])
def test_in_the_warm_up_images_go_a_part_of_the_way(kind, ready):
    plain = {"warm_up": 0.4, **PLAIN}  # of five iterations two: half of the way in the first
    if kind == "mixture":
        game = ready(Mixture(Smooth(), members={"fgsm": fgsm()}, sigma=SIGMA, **plain))
    else:
        game = ready(PGDTrain(Smooth(), against=fgsm(), **plain))
    u, (x, y) = copy.deepcopy(game.defender), images()
    z = fgsm()(u, x, y)
    game.iterate(x, y)
    check(game.defender, expected_u(u, lambda: risk(u(x + 0.5 * (z - x)), y)))


def test_the_mixture_records_the_mean_error_of_its_members(ready):
    members = {"none": Clean(), "noise": Noise(eta=0.5)}
    game = ready(Mixture(Smooth(), members=members, mix="mean", sigma=SIGMA, **PLAIN))
    u, (x, y) = copy.deepcopy(game.defender), images()
    game.iterate(x, y)
    expected = torch.stack([wrong(u, member(u, x, y), y).double() for member in members.values()]).mean()
    assert game.seen["error"].item() == pytest.approx(expected.item())


def test_the_attack_game_is_against_the_defender_without_its_dropout(ready):
    defender = nn.Sequential(nn.Flatten(), nn.Dropout(0.5), Smooth())
    source = copy.deepcopy(defender)
    game = ready(AttNetGame(defender, source=source, attack=Learned(), iterations=5, **FOLLOW))
    game.train()
    v, (x, y) = copy.deepcopy(game.attacker), images()
    game.iterate(x, y)
    u = defender.eval()
    up = numeric_gradient(lambda: risk(u(v(x, y)), y), list(v.parameters()))
    check(game.attacker, [p + SIGMA * g for p, g in zip(v.parameters(), up, strict=True)])


def test_validation_tells_the_attacked_error_from_the_clean_one(monkeypatch):
    class Mirror(Attack):
        def perturb(self, classifier, x, y):
            return -x

    g, (x, _), told = Linear(6, 2), images(40), {}
    nn.init.zeros_(g.layer.bias)
    game = LWAFGSM(g, against=Mirror(eta=2.0, box=True), **PLAIN)
    monkeypatch.setattr(game, "log_dict", lambda rates, **k: told.update(rates))
    game.validation_step((x, g(x).argmax(1)), 1)
    assert (told["val_clean_error"], told["val_error"]) == (0, 1)


def test_adversarial_training_starts_from_the_source_if_asked_to_and_attacks_the_current_net():
    source, (x, y) = Smooth(), images()
    plain = {"source": source, "against": fgsm(), "examples": "current", **PLAIN}
    cold = Smooth()
    before = copy.deepcopy(cold)
    game = AdvTrain(cold, warm_start=False, **plain)
    check(game.defender, list(before.parameters()))
    torch.testing.assert_close(game.perturb(x, y), fgsm()(game.defender, x, y))
    check(AdvTrain(Smooth(), warm_start=True, **plain).defender, list(source.parameters()))
