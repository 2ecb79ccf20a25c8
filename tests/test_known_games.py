"""The answers of `known_games` by brute force, and solvers that find them."""

import pytest
import torch
from known_games import GAMES, ROCK, U0, V0, A

from mvm.leader_follower import solve

PLANE = [game for game in GAMES if game.minimax.shape[1] == 1]
BY_NAME = {game.name: game for game in GAMES}


def test_there_are_ten_with_and_without_saddle_points():
    assert len(GAMES) >= 10 and {game.saddle for game in GAMES} == {True, False}
    assert max(game.minimax.shape[1] for game in GAMES) == 20


@pytest.mark.parametrize("game", PLANE, ids=lambda game: game.name)
def test_minimax_and_maximin_on_a_grid(game):
    n = 801
    u = torch.linspace(-game.u_box, game.u_box, n, dtype=torch.float64)
    v = torch.linspace(-game.v_box, game.v_box, n, dtype=torch.float64)
    f = game.f(u.repeat_interleave(n)[:, None], v.repeat(n)[:, None]).view(n, n)  # (u, v)
    worst, best = f.max(1).values, f.min(0).values
    assert worst.min().item() == pytest.approx(game.value, abs=0.01)
    assert best.max().item() == pytest.approx(game.lower, abs=0.01)
    for values, at, answers in ((worst, u, game.minimax), (-best, v, game.maximin)):
        near = at[values <= values.min() + 1e-4]  # every near-optimal point is near an answer, and the reverse
        distance = (near[:, None] - answers[None, :, 0]).abs()
        assert distance.min(1).values.max() < 0.07 and distance.min(0).values.max() < 0.07


def test_the_games_that_no_grid_reaches():
    """A saddle needs no more: at (u*, v*) no unilateral change helps."""
    assert torch.allclose(ROCK, -ROCK.T)  # symmetric, so its value is 0
    assert torch.allclose(ROCK.sum(0), torch.zeros(3).double())  # every answer to the even mixture is worth 0
    other = torch.randn(500, 20, dtype=torch.float64)
    f = BY_NAME["20-dimensional"].f
    assert (f(other, V0.expand(500, 20)) >= 0).all() and (f(U0.expand(500, 20), other) <= 0).all()
    assert A.norm() > 1  # the players are coupled


def play(game, method, n=10, **settings):
    """n starts at once: f is the sum over independent copies."""
    u, v = (torch.empty(n, a.shape[1], dtype=torch.float64) for a in (game.minimax, game.maximin))
    u.uniform_(-game.u_box / 2, game.u_box / 2)
    v.uniform_(-game.v_box / 2, game.v_box / 2)
    rates = {"iterations": 300, "lambda_": 0.1, "sigma": 0.1} | settings
    return solve(lambda u, v: game.f(u, v).sum(), u, v, method, project=game.project, **rates)


def share(found, answers, tolerance=0.1):
    """Of the rows, how many are within `tolerance` of an answer."""
    return (torch.cdist(found.detach(), answers) < tolerance).any(1).double().mean().item()


@pytest.mark.parametrize("name", ["saddle", "rotated saddle", "bilinear", "20-dimensional"])
@pytest.mark.parametrize("method", ["minimax", "maximin", "extragradient", "lookahead", "unrolled"])
def test_saddle_points_are_found(method, name):
    game = BY_NAME[name]
    found = play(game, method, iterations=500, gamma=0.5, unroll=2)
    assert share(found.u, game.minimax) == 1 and share(found.v, game.maximin) == 1


def test_simultaneous_descent_and_ascent_fails_on_the_bilinear_game():
    """Its spiral runs outwards; Alt's circle does not close in either (Sec. 4.4)."""
    game = BY_NAME["bilinear"]
    assert share(play(game, "gda").u, game.minimax) < 0.5
    assert share(play(game, "alt").u, game.minimax) < 0.5
    assert share(play(game, "minimax").u, game.minimax) == 1


def test_alg1_holds_a_leaders_point_that_alternating_play_leaves():
    game = BY_NAME["leader's"]
    rates = {"lambda_": 0.05, "sigma": 0.05}
    assert share(play(game, "alt", **rates).u, game.minimax) < 0.5
    assert share(play(game, "minimax", gamma=0.25, **rates).u, game.minimax) == 1


def test_alternating_play_finds_what_alg1_misses_where_the_follower_is_pinned():
    """The penalty does not vanish where v stops at a boundary: (u - 0.3)^2 + u + (u + 1)^2/2 is least at -7/15."""
    game = BY_NAME["pinned"]
    assert share(play(game, "alt").u, game.minimax) == 1
    found = play(game, "minimax", gamma=1.0)
    assert torch.allclose(found.u.detach(), torch.tensor(-7 / 15, dtype=torch.float64), atol=1e-3)


@pytest.mark.parametrize(("name", "value"), [("anti-saddle", 1.0), ("jump", 0.0)])
def test_a_population_finds_u_where_the_inner_maximiser_jumps(name, value):
    """One follower stays on its hill and u runs from it; two followers on either side hold u between them."""
    game = BY_NAME[name]
    start = torch.full((1, 1), 0.3, dtype=torch.float64)
    rates = {"iterations": 200, "lambda_": 0.02, "sigma": 0.1, "project": game.project}
    both = solve(lambda u, v: game.f(u, v).sum(), start, [start + 0.3, -start - 0.3], "alt", **rates)
    alone = solve(lambda u, v: game.f(u, v).sum(), start, start + 0.3, "alt", **rates)
    assert abs(both.u.item()) < 0.1 < abs(alone.u.item())
    assert game.f(both.u, both.v).item() == pytest.approx(value, abs=0.2)


def test_the_tables_population_is_that_of_solve():
    from benchmarks.success import FOLLOWERS, many

    game = BY_NAME["chase"]
    u, v = (torch.tensor([[start], [start]], dtype=torch.float64) for start in (0.2, -0.1))
    f, stack = many(game, v)
    rates = {"iterations": 50, "lambda_": 0.05, "sigma": 0.05, "gamma": 0.5, "project": game.project}
    found = solve(f, u, stack, **rates)
    for i in range(2):
        beam = [stack[i, k : k + 1] for k in range(FOLLOWERS)]
        one = solve(lambda u, v: game.f(u, v).sum(), u[i : i + 1], beam, **rates)
        torch.testing.assert_close(one.u, found.u[i : i + 1])
        torch.testing.assert_close(torch.stack(one.followers, 1), found.v[i : i + 1])
