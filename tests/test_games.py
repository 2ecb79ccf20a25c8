"""One step of every game moves u and v as the paper's update says, with plain gradient steps in float64."""

import copy

import pytest
import torch
from one_step import ETA, FOLLOW, GAMMA, PENALTY, PLAIN, SIGMA, Learned, both, check, expected_u, norm_of, played
from problems import Smooth, SmoothAttacker, images, numeric_gradient

from mvm.attacks.noise import Noise
from mvm.games.minimax import Minimax
from mvm.games.pgd_train import PGDTrain
from mvm.games.undefended import Undefended
from mvm.risk import risk
from mvm.sensitivity import input_gradient


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


def test_attnet_ascends_on_a_networks_own_gain(monkeypatch):
    monkeypatch.setattr(SmoothAttacker, "gain", lambda self, logits, y: logits.square().mean(), raising=False)
    old, _, game, source, x, y = played("attnet", monkeypatch)
    v = old["v"]
    up = numeric_gradient(lambda: source(v(x, y)).square().mean(), list(v.parameters()))
    check(game.attacker, [p + SIGMA * g for p, g in zip(v.parameters(), up, strict=True)])
    assert game.seen["risk"].item() == pytest.approx(risk(source(v(x, y)), y).item())


def test_a_random_start_is_another_at_every_iteration_and_the_same_after_a_resume(monkeypatch):
    """Whatever the attack: its seed is a function of the game's and the iteration."""
    starts = []
    monkeypatch.setattr(Noise, "perturb", lambda self, g, x, y: (starts.append(self.seed), x)[1])
    for begin, blocks in ((0, 2), (2, 1)):
        game = PGDTrain(Smooth(), against=Noise(eta=ETA), **PLAIN)
        optimizer = game.configure_optimizers()
        monkeypatch.setattr(game, "optimizers", lambda optimizer=optimizer: optimizer)
        monkeypatch.setattr(game, "log_dict", lambda *args, **kwargs: None)
        game.iteration = begin
        for _ in range(blocks):
            game.training_step([images(), images()], 0)
    assert len(set(starts[:4])) == 4 and starts[4:] == starts[2:4]


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
    for idle in ({"penalty": "carried"}, {"gamma": 0.0}):
        with pytest.raises(ValueError, match="every=1"):
            Minimax(Smooth(), attack=Learned(), every=3, **idle, **PLAIN, **FOLLOW)


def test_maximin_is_alg1_with_the_players_switched_and_the_sign_flipped(monkeypatch):
    old, _, game, _, x, y = played("maximin", monkeypatch)
    u, v = old["u"], old["v"]
    f = lambda: risk(u(v(x, y)), y)  # noqa: E731
    new_u, new_v = both(u, v, f, lambda: f() - GAMMA / 2 * norm_of(f, u.parameters()))
    check(game.defender, new_u)
    check(game.attacker, new_v)


@pytest.mark.parametrize("name", ["minimax", "maximin", "alt"])
def test_risk_and_error_are_recorded_where_the_leader_saw_them(name, monkeypatch):
    """Not where the follower climbs afterwards, at a leader that has moved on this very mini-batch."""
    old, _, game, _, x, y = played(name, monkeypatch)
    logits = old["u"](old["v"](x, y))
    assert game.seen["risk"].item() == pytest.approx(risk(logits, y).item())
    assert game.seen["error"].item() == pytest.approx((logits.argmax(1) != y).float().mean().item())


def test_alt_descends_and_then_ascends_at_the_new_u(monkeypatch):
    old, _, game, _, x, y = played("alt", monkeypatch)
    u, v = old["u"], old["v"]
    check(game.defender, expected_u(u, lambda: risk(u(v(x, y)), y)))
    u = game.defender
    up = numeric_gradient(lambda: risk(u(v(x, y)), y), list(v.parameters()))
    check(game.attacker, [p + SIGMA * g for p, g in zip(v.parameters(), up, strict=True)])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [({"lambda_": 0.0}, "lambda_=0"), ({"lambda_": float("nan")}, "lambda_=nan"), ({"iterations": 0}, "iterations=0")],
)
def test_impossible_settings_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        Undefended(Smooth(), **(PLAIN | wrong))
