"""Which games and attacks a GPU may replay, and what they say of those that it may not."""

import pytest
import torch
from conftest import options
from narrow_games import PLAIN, game_of

from mvm.attacks.attack import Attack
from mvm.attacks.attnet import AttNetAttack
from mvm.classifiers.mnist import MNISTNet
from mvm.games.undefended import Undefended


@pytest.mark.parametrize("name", options("game"))
def test_every_game_says_whether_it_can_be_replayed(name):
    assert PLAIN.get(name, "") in game_of(name).obstacle() and bool(game_of(name).obstacle()) == (name in PLAIN)


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        (("minimax", "game.every=4"), "some iterations only"),
        (("minimax", "game.penalty=lookahead"), "random numbers twice"),
        (("sens_fgsm", "game.penalty=fd"), "random numbers twice"),
        (("alt", "game.warm_up=0.5"), "reach"),
        (("minimax", "recipe=best"), "warm_up=0.1 changes"),
        (("lwa_fgsm", "attack=pgd", "attack.restarts=2"), "PGD"),
        (("pgd_train", "attack.restarts=2"), "PGD"),  # whose warm-up is in the way, too
        (("lwa_fgsm", "attack=pgd", "attack.stop=true"), "PGD"),
        (("mixture", "members=[pgd3,apgd,attnet]", "game.warm_up=0"), "APGD"),
    ],
)
def test_what_changes_from_iteration_to_iteration_is_named(settings, why):
    assert why in game_of(*settings).obstacle()


def test_what_is_in_the_way_until_the_warm_up_is_over_is_so_no_longer():
    game = game_of("minimax", "recipe=best")
    game.iteration = game.iterations // 2
    assert not game.obstacle()


def test_an_iteration_reads_nothing_but_what_it_is_given(monkeypatch):
    """The ascents' mini-batches, too: a replay has them in places of its own."""
    block = [(torch.rand(4, 1, 28, 28), torch.arange(4)) for _ in range(6)]
    ends = []
    for spoilt in (False, True):
        game = game_of("minimax", "recipe=best")
        optimizers = game.configure_optimizers()
        monkeypatch.setattr(game, "optimizers", lambda made=optimizers: made)
        game.ahead = [(torch.full_like(x, torch.nan), y) for x, y in block] if spoilt else block[1:]
        if spoilt:
            game._iterate(*block[0], *(t for batch in block[1 : 1 + game.others] for t in batch))
        else:
            game.iterate(*block[0])
        ends.append([p.detach().clone() for p in game.parameters()])
    assert game.others == 3 and all(torch.equal(a, b) for a, b in zip(*ends, strict=True))


@pytest.mark.parametrize(
    "settings", [("lwa_fgsm", "attack=noise"), ("lwa_fgsm", "attack=pgd"), ("mixture", "game.warm_up=0")]
)
def test_attacks_that_start_at_random_can_be_replayed(settings):
    assert not game_of(*settings).obstacle()


def test_a_new_attack_is_not_taken_to_be_replayable():
    class Own(Attack):
        def perturb(self, classifier, x, y):
            return x

    game = game_of("lwa_fgsm")
    game.against = Own(eta=0.3, box=False)
    assert "Own" in game.obstacle()


def test_a_network_attacks_by_the_forward_pass_or_says_what_it_does():
    class Own(AttNetAttack):
        def perturb(self, classifier, x, y):
            return x if self.seed % 2 else super().perturb(classifier, x, y)

    game = game_of("mixture", "game.warm_up=0")
    assert not game.obstacle()
    game.members["own"] = Own((1, 28, 28), eta=0.3)
    assert "Own" in game.obstacle()


def test_what_a_subclass_does_is_not_taken_to_be_alike():
    class Own(Undefended):
        def loss(self, x, y):
            return self.f(x, y) * self.iteration

    game = Own(MNISTNet(width=0.1), iterations=5, lambda_=0.1)
    assert "Own does not say" in game.obstacle()


@pytest.mark.parametrize(
    ("order", "steps", "others"), [("follower_first", 1, 1), ("leader_first", 2, 1), ("leader_first", 3, 2)]
)
def test_a_game_is_given_as_many_other_mini_batches_as_it_climbs(order, steps, others):
    settings = (f"game.order={order}", f"game.ascent_steps={steps}", "game.ascend_on=other")
    assert game_of("alt", *settings).others == others and game_of("alt", *settings[:2]).others == 0
