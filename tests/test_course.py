"""The learning rate and the attacker's reach in the course of a game."""

import pytest
import torch
from problems import Smooth, images

from mvm.attacks.fgsm import FGSM
from mvm.games.cat_mouse import CatMouse
from mvm.games.course import PEAK, rate, reach, shrunk
from mvm.games.undefended import Undefended
from mvm.risk import risk
from mvm.threat import check_feasible, clip


@pytest.mark.parametrize("iterations", [100, 300])
def test_a_cycle_rises_once_and_falls_once(iterations):
    rates = [rate("cycle", i, iterations) for i in range(iterations)]
    top = rates.index(max(rates))
    assert rates[: top + 1] == sorted(rates[: top + 1]) and rates[top:] == sorted(rates[top:], reverse=True)
    assert top == pytest.approx(PEAK * iterations, abs=1) and max(rates) == pytest.approx(1)
    assert 0 < rates[-1] == pytest.approx(1 / (0.7 * iterations))
    assert sum(rates) == pytest.approx(iterations / 2, rel=0.15)  # a triangle's area
    assert max(rate("cycle", i, n) for n in range(1, 30) for i in range(n)) <= 1
    assert {rate("constant", i, iterations) for i in range(iterations)} == {1.0}


def test_a_rise_is_linear_in_its_quarter_and_stays():
    assert [rate("rise", i, 16) for i in range(16)] == pytest.approx([0.25, 0.5, 0.75] + [1] * 13)


def test_every_round_of_cat_and_mouse_has_a_schedule_of_its_own():
    settings = {"rounds": 3, "round_iterations": {1: 16, 2: 8}, "lambda_": 0.1, "lambda_schedule": "rise"}
    game = CatMouse(Smooth(), source=Smooth(), against=FGSM(eta=0.3), **settings)
    rates = []
    for i in range(32):
        game.iteration = i
        rates.append(rate(game.lambda_schedule, *game.progress()))
    assert rates == pytest.approx([0.25, 0.5, 0.75] + [1] * 13 + 2 * ([0.5] + [1] * 7))


def test_the_reach_grows_linearly_and_stays():
    assert [reach(i, 10, 0.4) for i in range(6)] == pytest.approx([0.25, 0.5, 0.75, 1, 1, 1])
    assert reach(0, 10, 0.0) == 1


def test_a_shrunk_attack_is_feasible_and_moves_so_much_less():
    x, _ = images(50)
    z = clip(x + 0.5 * torch.randn_like(x), x, 0.5, box=True)
    small = shrunk(z, x, 0.3)
    check_feasible(small, x, 0.5 * 0.3, box=True, name="shrunk")
    torch.testing.assert_close(small - x, 0.3 * (z - x))
    assert shrunk(z, x, 1.0) is z


def test_a_game_moves_at_the_rates_of_its_course(monkeypatch):
    """SGD by hand on the mini-batches of two blocks, lambda_i = lambda rate(i)."""
    torch.manual_seed(0)
    game = Undefended(Smooth(), iterations=5, lambda_=0.5, u_optimizer=torch.optim.SGD, lambda_schedule="cycle")
    optimizer = game.configure_optimizers()
    monkeypatch.setattr(game, "optimizers", lambda: optimizer)
    monkeypatch.setattr(game, "log_dict", lambda *args, **kwargs: None)
    by_hand = Smooth()
    by_hand.load_state_dict(game.defender.state_dict())
    blocks = [[images(4) for _ in range(3)], [images(4) for _ in range(2)]]
    for i, (x, y) in enumerate(batch for block in blocks for batch in block):
        gradients = torch.autograd.grad(risk(by_hand(x), y), list(by_hand.parameters()))
        with torch.no_grad():
            for p, g in zip(by_hand.parameters(), gradients, strict=True):
                p -= 0.5 * rate("cycle", i, 5) * g
    for block in blocks:
        game.training_step(block, 0)
    for p, q in zip(game.defender.parameters(), by_hand.parameters(), strict=True):
        torch.testing.assert_close(p, q)


@pytest.mark.parametrize(
    "wrong", [{"lambda_schedule": "up"}, {"warm_up": -0.1}, {"warm_up": 1.0}, {"warm_up": 0.5}, {"warm_up": "x"}]
)
def test_impossible_courses_are_refused(wrong):
    with pytest.raises(ValueError, match=f"{next(iter(wrong))}="):
        Undefended(Smooth(), iterations=5, lambda_=0.1, **wrong)
