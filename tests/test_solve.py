"""`solve`: one step of every method in closed form, the kinds of players, schedules, populations, errors."""

import copy

import pytest
import torch
from torch import nn

from mvm.errors import UserError
from mvm.leader_follower import METHODS, Payoff, solve
from mvm.penalty import every

A, B, C = 1.5, 2.0, 0.5
U, V = 0.7, -0.4
LAMBDA, SIGMA, GAMMA = 0.1, 0.05, 0.8


def f(u, v):
    return (A * u * u / 2 + B * u * v - C * v * v / 2).sum()


def f_u(u, v):
    return A * u + B * v


def f_v(u, v):
    return B * u - C * v


def number(x):
    return torch.tensor([x], dtype=torch.float64)


def run(method, iterations=1, **settings):
    rates = {"lambda_": LAMBDA, "sigma": SIGMA, "gamma": GAMMA} | settings
    return solve(f, number(U), number(V), method, iterations=iterations, **rates)


def unroll_gradient(k):
    """d/du f(u, v_k(u)) by the chain rule: dv_{j+1}/du = dv_j/du + sigma (B - C dv_j/du)."""
    v, slope = V, 0.0
    for _ in range(k):
        v, slope = v + SIGMA * f_v(U, v), slope + SIGMA * (B - C * slope)
    return f_u(U, v) + slope * f_v(U, v)


AHEAD_U, AHEAD_V = U - LAMBDA * f_u(U, V), V + SIGMA * f_v(U, V)
ONE_STEP = {  # (u, v) after one iteration from (U, V)
    "minimax": (U - LAMBDA * (f_u(U, V) + GAMMA * B * f_v(U, V)), AHEAD_V),
    "maximin": (AHEAD_U, V + SIGMA * (f_v(U, V) - GAMMA * B * f_u(U, V))),
    "alt": (AHEAD_U, V + SIGMA * f_v(AHEAD_U, V)),
    "gda": (AHEAD_U, AHEAD_V),
    "extragradient": (U - LAMBDA * f_u(AHEAD_U, AHEAD_V), V + SIGMA * f_v(AHEAD_U, AHEAD_V)),
    "lookahead": (U - LAMBDA * f_u(U, V + GAMMA * f_v(U, V)), AHEAD_V),
    "unrolled": (U - LAMBDA * unroll_gradient(3), AHEAD_V),
}


def test_every_method_has_its_step_here():
    assert set(ONE_STEP) == set(METHODS)


@pytest.mark.parametrize("method", METHODS)
def test_one_step_in_closed_form(method):
    found = run(method, unroll=3)
    assert (found.u.item(), found.v.item()) == pytest.approx(ONE_STEP[method])
    assert found.risk.tolist() == pytest.approx([f(number(U), number(V)).item()])
    if method != "alt":
        follower = f_u(U, V) if method == "maximin" else f_v(U, V)
        assert found.sensitivity.tolist() == pytest.approx([follower**2])


@pytest.mark.parametrize("penalty", ["double", "jvp", "fd"])
def test_every_form_of_the_penalty_gives_alg1(penalty):
    found = run("minimax", penalty=penalty)
    assert found.u.item() == pytest.approx(ONE_STEP["minimax"][0], rel=1e-8)


def test_two_iterations_of_the_carried_direction():
    """The first is plain; the second has all gradients at (u, v + gamma d), d = df/dv of the first."""
    u, v = ONE_STEP["gda"]
    ahead = v + GAMMA * f_v(U, V)
    found = run("minimax", iterations=2, penalty="carried")
    expected = u - LAMBDA * f_u(u, ahead), v + SIGMA * f_v(u, ahead)
    assert (found.u.item(), found.v.item()) == pytest.approx(expected)


def test_the_penalty_at_every_second_iteration():
    u, v = ONE_STEP["gda"]
    found = run("minimax", iterations=2, gamma=every(2, GAMMA))
    assert found.u.item() == pytest.approx(u - LAMBDA * (f_u(u, v) + 2 * GAMMA * B * f_v(u, v)))


def test_unrolling_one_step_is_alg1_at_twice_sigma():
    """Not at gamma = sigma: for a bilinear game exactly, f_u + 2 sigma B f_v."""
    bilinear = lambda u, v: (B * u * v).sum()  # noqa: E731
    rates = {"iterations": 1, "lambda_": LAMBDA, "sigma": SIGMA}
    one = solve(bilinear, number(U), number(V), "unrolled", unroll=1, **rates)
    two = solve(bilinear, number(U), number(V), "minimax", gamma=2 * SIGMA, **rates)
    assert one.u.item() == pytest.approx(two.u.item())


def test_alt_in_the_other_order_is_lookahead_at_gamma_sigma():
    assert run("alt", order="follower_first").u.item() == pytest.approx(run("lookahead", gamma=SIGMA).u.item())


def test_schedules_are_asked_at_each_iteration():
    asked = []
    decaying = lambda i: asked.append(i) or LAMBDA / i  # noqa: E731
    found = run("gda", iterations=3, lambda_=decaying, gamma=lambda i: 1 / i)
    u, v = U, V
    for i in (1, 2, 3):
        u, v = u - LAMBDA / i * f_u(u, v), v + SIGMA * f_v(u, v)
    assert (found.u.item(), found.v.item()) == pytest.approx((u, v)) and set(asked) == {1, 2, 3}


def test_ascent_steps_and_any_optimiser():
    found = run("alt", ascent_steps=2, u_optimizer=torch.optim.Adam)
    v = V + SIGMA * f_v(U, V)
    u = U - LAMBDA * (1 if f_u(U, v) > 0 else -1)  # Adam's first step is the sign
    assert found.u.item() == pytest.approx(u) and found.v.item() == pytest.approx(v + SIGMA * f_v(u, v))


class Critic(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 1, dtype=torch.float64)

    def forward(self, x):
        return self.layer(x).tanh()


@pytest.mark.parametrize("method", METHODS)
def test_tensors_dicts_and_modules_are_the_same_game(method):
    x, module = torch.randn(5, 3, dtype=torch.float64), Critic()
    u = torch.randn(5, 1, dtype=torch.float64)
    named = {name: p.detach().clone() for name, p in module.layer.named_parameters()}
    before = copy.deepcopy(module.state_dict())

    def score(critic, u):
        return ((u - critic).square() + 0.1 * u * critic).mean()

    a = solve(lambda u, v: score(v(x), u), u, module, method, iterations=4)
    b = solve(lambda u, v: score((x @ v["weight"].T + v["bias"]).tanh(), u["u"]), {"u": u}, named, method, iterations=4)
    torch.testing.assert_close(a.u, b.u["u"])
    torch.testing.assert_close(a.v.layer.weight, b.v["weight"])
    assert (a.u - u).abs().max() > 1e-3 and (a.v.layer.weight - named["weight"]).abs().max() > 1e-5
    for name, p in module.state_dict().items():  # what was given stays as it was
        assert torch.equal(p, before[name]) and module.layer.weight.grad is None


def test_payoff_at_other_tensors_leaves_the_module_alone():
    module = Critic()
    payoff = Payoff(lambda u, v: u.sum() * v(torch.ones(1, 3).double()).sum(), number(2.0), module)
    other = [torch.zeros(1, 3).double(), number(1.0)]
    assert payoff.at([number(3.0)], other).item() == pytest.approx(3 * torch.tanh(torch.tensor(1.0)).item())
    assert module.layer.weight.abs().sum() > 0


def test_the_leader_faces_the_worst_of_a_population():
    """max over both ends of v: with one follower u runs off, with two it is held between them."""

    def two_hills(u, v):
        return ((u - 1) * v - (v**2 - 1) ** 2).sum()

    rates = {"iterations": 2000, "lambda_": 0.01, "sigma": 0.02}
    both = solve(two_hills, number(0.3), [number(0.9), number(-0.9)], "alt", **rates)
    alone = solve(two_hills, number(0.3), number(0.9), "alt", **rates)
    assert both.u.item() == pytest.approx(1.0, abs=0.05) and len(both.followers) == 2
    assert alone.u.item() < 0.7
    worst = max(both.followers, key=lambda v: two_hills(both.u, v).item())
    assert both.v is worst


def test_a_population_starts_from_different_points():
    found = solve(f, number(U), number(V), "alt", iterations=1, population=4)
    assert len({v.item() for v in found.followers}) == 4
    module = Critic()
    found = solve(
        lambda u, v: u * v(torch.ones(3).double()).sum(), number(U).squeeze(), module, population=3, iterations=1
    )
    assert len({v.layer.weight[0, 0].item() for v in found.followers}) == 3


def test_callback_sees_and_stops():
    seen = []

    def stop(i, risk, sensitivity):
        seen.append((i, risk, sensitivity))
        return i == 3

    found = run("maximin", iterations=10, callback=stop)
    assert [i for i, _, _ in seen] == [1, 2, 3] and len(found.risk) == 3
    assert [risk for _, risk, _ in seen] == pytest.approx(found.risk.tolist())


def test_projection_holds_both_players():
    def halve(u, v):
        u.clamp_(-0.1, 0.1), v.clamp_(-0.2, 0.2)

    for method in ("minimax", "maximin"):
        found = run(method, iterations=5, project=halve)
        assert abs(found.u.item()) <= 0.1 and abs(found.v.item()) <= 0.2
    assert abs(run("gda", iterations=5).u.item()) > 0.1


def test_divergence_names_the_iteration():
    with pytest.raises(UserError, match=r"at iteration \d+ of 2000"):
        solve(lambda u, v: (u**4 * v**2).sum(), number(3.0), number(2.0), "gda", iterations=2000, lambda_=1.0)
    with pytest.raises(UserError, match="nan at iteration 1 of 5"):
        solve(lambda u, v: (u * v).sum().log(), number(-1.0), number(2.0), iterations=5)
