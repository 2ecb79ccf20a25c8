"""The attacker of a game: on which mini-batches, when, and what it climbs."""

import copy

import pytest
import torch
from one_step import ETA, FOLLOW, GAMMA, LAMBDA, PLAIN, SIGMA, Learned, both, check, expected_u, norm_of
from problems import Smooth, SmoothAttacker, images, numeric_gradient

from mvm.games.alt import Alt
from mvm.games.maximin import Maximin
from mvm.games.minimax import Minimax
from mvm.risk import risk


class Choosy(SmoothAttacker):
    """Climbs the logit of class 0."""

    climbs_f = False

    def gain(self, logits, y):
        return logits[:, 0].mean()


@pytest.mark.parametrize("name", ["minimax", "alt", "maximin"])
def test_the_ascents_may_be_on_the_other_mini_batches_of_the_block(name, monkeypatch):
    """Two ascents on the second and third mini-batch with half of the reach, then the step on the first."""
    torch.manual_seed(0)
    block, more = [images() for _ in range(3)], {"ascent_steps": 3, "ascend_on": "other", "warm_up": 0.4}
    kind = {"minimax": Minimax, "alt": Alt, "maximin": Maximin}[name]
    plain = {"gamma": 0.0} if name != "alt" else {}
    game = kind(Smooth(), attack=Learned(), order="simultaneous", **plain, **more, **PLAIN, **FOLLOW)
    optimizers = game.configure_optimizers()
    monkeypatch.setattr(game, "optimizers", lambda: optimizers)
    u, v = copy.deepcopy(game.defender), copy.deepcopy(game.attacker)
    follower, rate = (u, -LAMBDA) if name == "maximin" else (v, SIGMA)
    (x, y), *game.ahead = block
    game.iterate(x, y)

    def f(x, y):
        return risk(u(x + 0.5 * (v(x, y) - x)), y)

    for other in game.ahead:
        gradients = numeric_gradient(lambda b=other: f(*b), list(follower.parameters()))
        with torch.no_grad():
            for p, g in zip(follower.parameters(), gradients, strict=True):
                p += rate * g
    new_u, new_v = both(u, v, lambda: f(x, y), lambda: f(x, y))
    check(game.defender, new_u)
    check(game.attacker, new_v)
    with pytest.raises(ValueError, match="ascend_on='all': must be one of same, other"):
        kind(Smooth(), attack=Learned(), **(more | {"ascend_on": "all"}), **PLAIN, **FOLLOW)


def test_a_network_may_climb_a_gain_of_its_own_before_the_defender_moves(monkeypatch):
    torch.manual_seed(0)
    learned = Learned()
    learned.net = Choosy(eta=ETA)
    game = Minimax(Smooth(), attack=learned, gamma=GAMMA, order="follower_first", **PLAIN, **FOLLOW)
    optimizers = game.configure_optimizers()
    monkeypatch.setattr(game, "optimizers", lambda: optimizers)
    u, v = copy.deepcopy(game.defender), copy.deepcopy(game.attacker)
    x, y = images()
    game.iterate(x, y)
    up = numeric_gradient(lambda: v.gain(u(v(x, y)), y), list(v.parameters()))
    check(game.attacker, [p + SIGMA * g for p, g in zip(v.parameters(), up, strict=True)])
    v = game.attacker
    f = lambda: risk(u(v(x, y)), y)  # noqa: E731
    check(game.defender, expected_u(u, lambda: f() + GAMMA / 2 * norm_of(f, v.parameters())))
    for kind, order in ((Minimax, "simultaneous"), (Alt, "leader_first"), (Maximin, "follower_first")):
        why = "one that leads" if kind is Maximin else f"order='{order}' with an attack network that climbs a gain"
        with pytest.raises(ValueError, match=why):
            kind(Smooth(), attack=learned, order=order, **PLAIN, **FOLLOW)
