"""One step of every game moves u and v as the paper's update says, with plain gradient steps in float64."""

import copy

import pytest
import torch
from problems import Smooth, SmoothAttacker, images, numeric_gradient

from mvm.attacks.fgsm import FGSM
from mvm.games.adv_train import AdvTrain
from mvm.games.alt import Alt
from mvm.games.attnet import AttNetGame
from mvm.games.cat_mouse import CatMouse
from mvm.games.lwa_fgsm import LWAFGSM
from mvm.games.maximin import Maximin
from mvm.games.minimax import Minimax
from mvm.games.mixture import Mixture
from mvm.games.sens_fgsm import SensFGSM
from mvm.games.undefended import Undefended
from mvm.risk import risk
from mvm.sensitivity import input_gradient

LAMBDA, SIGMA, GAMMA, ETA = 0.1, 0.2, 0.7, 0.3
PLAIN = {"iterations": 5, "lambda_": LAMBDA, "u_optimizer": torch.optim.SGD}
PENALTY = {"minimax": "exact", "maximin": "double", "sens_fgsm": "exact"}  # their defaults
FOLLOW = {"sigma": SIGMA, "v_optimizer": torch.optim.SGD}


class Learned:
    """The part of a learned attack that games use."""

    def __init__(self):
        self.net = SmoothAttacker(eta=ETA)

    def __call__(self, classifier, x, y):
        return self.net(x, y)


class Choosy(SmoothAttacker):
    """Climbs the logit of class 0."""

    climbs_f = False

    def gain(self, logits, y):
        return logits[:, 0].mean()


def fgsm():
    return FGSM(eta=ETA)


def game_of(name, defender, source):
    return {
        "undefended": lambda: Undefended(defender, **PLAIN),
        "adv_train": lambda: AdvTrain(defender, source=source, against=fgsm(), warm_start=False, **PLAIN),
        "cat_mouse": lambda: CatMouse(
            defender,
            source=source,
            against=fgsm(),
            rounds=2,
            round_iterations=3,
            lambda_=LAMBDA,
            u_optimizer=torch.optim.SGD,
        ),
        "lwa_fgsm": lambda: LWAFGSM(defender, against=fgsm(), **PLAIN),
        "sens_fgsm": lambda: SensFGSM(defender, against=fgsm(), penalty=PENALTY["sens_fgsm"], **PLAIN),
        "attnet": lambda: AttNetGame(defender, source=source, attack=Learned(), iterations=5, **FOLLOW),
        "alt": lambda: Alt(defender, attack=Learned(), **PLAIN, **FOLLOW),
        "mixture": lambda: Mixture(defender, members={"fgsm": fgsm(), "net": Learned()}, **PLAIN, **FOLLOW),
        "minimax": lambda: Minimax(
            defender, attack=Learned(), gamma=GAMMA, penalty=PENALTY["minimax"], **PLAIN, **FOLLOW
        ),
        "maximin": lambda: Maximin(
            defender, attack=Learned(), gamma=GAMMA, penalty=PENALTY["maximin"], **PLAIN, **FOLLOW
        ),
    }[name]()


def played(name, monkeypatch):
    """A game before and after one iteration: (before, after, source, x, y)."""
    torch.manual_seed(0)
    source = Smooth()
    game = game_of(name, Smooth(), source)
    optimizers = game.configure_optimizers()
    monkeypatch.setattr(game, "optimizers", lambda: optimizers)
    monkeypatch.setattr(CatMouse, "_keep_round", lambda self: None)
    before = copy.deepcopy(game.state_dict())
    old = copy.deepcopy({"u": game.defender, "v": getattr(game, "attacker", None)})
    x, y = images()
    game.iterate(x, y)
    return old, before, game, source, x, y


def expected_u(u, loss):
    return [p - LAMBDA * g for p, g in zip(u.parameters(), numeric_gradient(loss, list(u.parameters())), strict=True)]


def check(actual, expected):
    for a, b in zip(actual.parameters(), expected, strict=True):
        torch.testing.assert_close(a, b, atol=1e-8, rtol=1e-6)


def test_undefended_descends_on_clean_images(monkeypatch):
    old, _, game, _, x, y = played("undefended", monkeypatch)
    u = old["u"]
    check(game.defender, expected_u(u, lambda: risk(u(x), y)))


def test_adv_train_mixes_clean_and_the_sources_adversarial_images(monkeypatch):
    old, _, game, source, x, y = played("adv_train", monkeypatch)
    u = old["u"]
    z = x + ETA * input_gradient(source, x, y)[1].sign()
    check(game.defender, expected_u(u, lambda: (risk(u(x), y) + risk(u(z), y)) / 2))


def test_cat_mouse_starts_from_the_source_and_faces_its_examples(monkeypatch):
    old, _, game, _, x, y = played("cat_mouse", monkeypatch)
    u = old["u"]
    z = x + ETA * input_gradient(u, x, y)[1].sign()
    check(game.defender, expected_u(u, lambda: (risk(u(x), y) + risk(u(z), y)) / 2))
    for a, b in zip(game.target.parameters(), u.parameters(), strict=True):
        assert torch.equal(a, b)  # the classifier attacked stays that of the round's beginning


def test_lwa_descends_on_its_own_fgsm_images(monkeypatch):
    old, _, game, _, x, y = played("lwa_fgsm", monkeypatch)
    u = old["u"]
    z = x + ETA * input_gradient(u, x, y)[1].sign()
    check(game.defender, expected_u(u, lambda: risk(u(z), y)))


def test_sens_descends_on_eq7(monkeypatch):
    old, _, game, _, x, y = played("sens_fgsm", monkeypatch)
    u, n = old["u"], len(x)
    z = x + ETA * input_gradient(u, x, y)[1].sign()
    check(
        game.defender,
        expected_u(u, lambda: risk(u(z), y) + ETA / (2 * n) * input_gradient(u, z, y)[1].square().sum()),
    )


def test_attnet_ascends_on_eq9_and_leaves_the_defender(monkeypatch):
    old, before, game, source, x, y = played("attnet", monkeypatch)
    v = old["v"]
    up = numeric_gradient(lambda: risk(source(v(x, y)), y), list(v.parameters()))
    check(game.attacker, [p + SIGMA * g for p, g in zip(v.parameters(), up, strict=True)])
    check(game.defender, list(source.parameters()))


def both(u, v, fu, fv):
    """Expected parameters after u steps down fu and v up fv, both at the old point."""
    g_v = numeric_gradient(fv, list(v.parameters()))
    return expected_u(u, fu), [p + SIGMA * g for p, g in zip(v.parameters(), g_v, strict=True)]


def norm_of(f, parameters):
    return sum(g.square().sum() for g in torch.autograd.grad(f(), list(parameters)))


def test_minimax_is_alg1(monkeypatch):
    old, _, game, _, x, y = played("minimax", monkeypatch)
    u, v = old["u"], old["v"]
    f = lambda: risk(u(v(x, y)), y)  # noqa: E731
    new_u, new_v = both(u, v, lambda: f() + GAMMA / 2 * norm_of(f, v.parameters()), f)
    check(game.defender, new_u)
    check(game.attacker, new_v)


@pytest.mark.parametrize("name", ["minimax", "maximin", "sens_fgsm"])
def test_games_take_the_exact_forms_and_refuse_unknown_ones(name, monkeypatch):
    moved = {}
    for penalty in {"minimax": ("exact", "double"), "maximin": ("double", "fd"), "sens_fgsm": ("exact", "double")}[
        name
    ]:
        monkeypatch.setitem(PENALTY, name, penalty)
        moved[penalty] = played(name, monkeypatch)[2].state_dict()
    one, other = moved.values()
    for a, b in zip(one.values(), other.values(), strict=True):
        torch.testing.assert_close(a, b, atol=1e-7, rtol=1e-5)
    monkeypatch.setitem(PENALTY, name, "jvp")
    with pytest.raises(ValueError, match="penalty='jvp': must be one of"):
        played(name, monkeypatch)


def test_minimax_takes_every_nth_penalty_n_times_as_strong(monkeypatch):
    torch.manual_seed(0)
    x, y = images()
    for iteration, gamma in ((0, 0.0), (1, 0.0), (2, 3 * GAMMA), (3, 0.0)):
        game = Minimax(Smooth(), attack=Learned(), gamma=GAMMA, every=3, **PLAIN, **FOLLOW)
        optimizers = game.configure_optimizers()
        monkeypatch.setattr(game, "optimizers", lambda made=optimizers: made)
        u, v = copy.deepcopy(game.defender), copy.deepcopy(game.attacker)
        f = lambda u=u, v=v: risk(u(v(x, y)), y)  # noqa: E731
        game.iteration = iteration
        game.iterate(x, y)
        check(game.defender, expected_u(u, lambda f=f, v=v, g=gamma: f() + g / 2 * norm_of(f, v.parameters())))
    with pytest.raises(ValueError, match="every=1"):
        Minimax(Smooth(), attack=Learned(), penalty="carried", every=3, **PLAIN, **FOLLOW)


def test_maximin_is_alg1_with_the_players_switched_and_the_sign_flipped(monkeypatch):
    old, _, game, _, x, y = played("maximin", monkeypatch)
    u, v = old["u"], old["v"]
    f = lambda: risk(u(v(x, y)), y)  # noqa: E731
    new_u, new_v = both(u, v, f, lambda: f() - GAMMA / 2 * norm_of(f, u.parameters()))
    check(game.defender, new_u)
    check(game.attacker, new_v)


def test_alt_descends_and_then_ascends_at_the_new_u(monkeypatch):
    old, _, game, _, x, y = played("alt", monkeypatch)
    u, v = old["u"], old["v"]
    check(game.defender, expected_u(u, lambda: risk(u(v(x, y)), y)))
    u = game.defender
    up = numeric_gradient(lambda: risk(u(v(x, y)), y), list(v.parameters()))
    check(game.attacker, [p + SIGMA * g for p, g in zip(v.parameters(), up, strict=True)])


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
        with pytest.raises(ValueError, match=f"order='{order}' with an attack network that climbs a gain of its own"):
            kind(Smooth(), attack=learned, order=order, **PLAIN, **FOLLOW)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [({"lambda_": 0.0}, "lambda_=0"), ({"lambda_": float("nan")}, "lambda_=nan"), ({"iterations": 0}, "iterations=0")],
)
def test_impossible_settings_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        Undefended(Smooth(), **(PLAIN | wrong))
