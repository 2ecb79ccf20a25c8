"""Alg. 1 and Eq. (19) on f(u, v) = a u^2/2 + b u v - c v^2/2, where every step can be written down."""

import pytest
import torch

from mvm.leader_follower import Player, ascend, check_schedule, descend, iterate

A, B, C = 1.5, 2.0, 0.5
U, V = 0.7, -0.4
LAMBDA, SIGMA, GAMMA = 0.1, 0.05, 0.8


def players():
    u = torch.tensor([U], dtype=torch.float64, requires_grad=True)
    v = torch.tensor([V], dtype=torch.float64, requires_grad=True)
    return u, v, Player([u], torch.optim.SGD([u], lr=LAMBDA)), Player([v], torch.optim.SGD([v], lr=SIGMA))


def quadratic(u, v):
    return lambda: (A * u * u / 2 + B * u * v - C * v * v / 2).sum()


def df_du(u, v, gamma=0.0):
    return A * u + B * v + gamma * B * (B * u - C * v)


def df_dv(u, v):
    return B * u - C * v


@pytest.mark.parametrize("gamma", [0.0, GAMMA])
@pytest.mark.parametrize("ascent_steps", [1, 3])
@pytest.mark.parametrize("order", ["simultaneous", "leader_first", "follower_first"])
def test_one_iteration_moves_both_as_printed(order, ascent_steps, gamma):
    u, v, leader, follower = players()
    seen = iterate(quadratic(u, v), leader, follower, gamma=gamma, order=order, ascent_steps=ascent_steps)
    x, y = U, V
    for _ in range(ascent_steps - (order != "follower_first")):
        y += SIGMA * df_dv(x, y)
    met = y
    x_new = x - LAMBDA * df_du(x, met, gamma)
    if order == "simultaneous":
        y += SIGMA * df_dv(x, y)
    elif order == "leader_first":
        y += SIGMA * df_dv(x_new, y)
    assert (u.item(), v.item()) == pytest.approx((x_new, y))
    assert seen["risk"].item() == pytest.approx(A * x * x / 2 + B * x * met - C * met * met / 2)
    if gamma or order == "simultaneous":
        assert seen["sensitivity"].item() == pytest.approx(df_dv(x, met) ** 2)
    assert u.grad is None and v.grad is None


@pytest.mark.parametrize("order", ["simultaneous", "leader_first", "follower_first"])
def test_the_ascents_before_the_leaders_step_may_climb_something_else(order):
    """3, 5 and 7 times the payoff in turn: v moves by so much more; a fourth is not asked for."""
    u, v, leader, follower = players()
    f, y = quadratic(u, v), V
    steeper = iter([3, 5, 7])
    iterate(f, leader, follower, order=order, ascent_steps=3, ascents=(lambda k=k: k * f() for k in steeper))
    climbed = [3, 5, 7] if order == "follower_first" else [3, 5]
    for k in climbed:
        y += SIGMA * k * df_dv(U, y)
    u_new = U - LAMBDA * df_du(U, y)
    if order != "follower_first":
        y += SIGMA * df_dv(U if order == "simultaneous" else u_new, y)
    assert (u.item(), v.item()) == pytest.approx((u_new, y))
    assert next(steeper, None) == (None if order == "follower_first" else 7)


def test_follower_first_with_gamma_0_carries_the_penalty_at_gamma_sigma():
    """f(u, v + sigma df/dv) differentiated at the new v: df/du + sigma B df/dv for a bilinear coupling."""
    u, v, leader, follower = players()
    iterate(quadratic(u, v), leader, follower, order="follower_first")
    assert u.item() == pytest.approx(U - LAMBDA * df_du(U, V, gamma=SIGMA))


def test_descend_and_ascend_touch_one_player_only():
    u, v, leader, follower = players()
    f = quadratic(u, v)
    descend(f(), leader)
    assert u.item() == pytest.approx(U - LAMBDA * df_du(U, V)) and v.item() == V
    before = u.item()
    ascend(f, follower)
    assert v.item() == pytest.approx(V + SIGMA * df_dv(before, V)) and u.item() == before


def test_minimax_and_maximin_find_the_saddle():
    """A convex-concave game: both end at its saddle, (0, 0)."""
    u, v, leader, follower = players()
    for _ in range(2000):
        iterate(quadratic(u, v), leader, follower, gamma=GAMMA)
    assert (u.item(), v.item()) == pytest.approx((0.0, 0.0), abs=1e-6)
    u, v, leader, follower = players()
    for _ in range(2000):
        iterate(lambda: -quadratic(u, v)(), leader=follower, follower=leader, gamma=GAMMA)
    assert (u.item(), v.item()) == pytest.approx((0.0, 0.0), abs=1e-6)


@pytest.mark.parametrize(
    ("order", "steps", "gamma"), [("sideways", 1, 1.0), ("simultaneous", 0, 1.0), ("simultaneous", 1, -1.0)]
)
def test_unknown_schedules_are_refused(order, steps, gamma):
    with pytest.raises(ValueError, match=r"order=|ascent_steps=|gamma="):
        check_schedule(order, steps, gamma)
    with pytest.raises(ValueError, match=r"order=|ascent_steps=|gamma="):
        iterate(lambda: torch.zeros(()), None, None, order=order, ascent_steps=steps, gamma=gamma)


@pytest.mark.parametrize("fused", [True, False])
def test_a_gradient_moves_its_own_elements_whatever_its_layout_in_memory(fused):
    """As autograd's second derivative of a convolution has one: torch's fused Adam goes by the order of memory."""
    start, gradient = torch.randn(4, 3, 5, 5), torch.randn(4, 3, 5, 5)
    moved = []
    for g in (gradient, gradient.transpose(0, 1).contiguous().transpose(0, 1)):
        p = start.clone().requires_grad_(True)
        Player([p], torch.optim.Adam([p], lr=0.1, fused=fused)).move([g])
        moved.append(p.detach())
    assert not torch.equal(moved[0], start) and torch.equal(*moved)


def test_one_step_on_a_convolution_is_the_same_by_fused_and_plain_adam():
    moved = []
    for fused in (True, False):
        torch.manual_seed(0)
        g, v = torch.nn.Conv2d(2, 4, 3), torch.randn(3, 2, 6, 6, requires_grad=True)
        u = list(g.parameters())
        leader, follower = (Player(p, torch.optim.Adam(p, lr=0.1, fused=fused)) for p in (u, [v]))
        iterate(lambda g=g, v=v: g(v).square().mean(), leader, follower, gamma=1.0)
        moved.append(torch.cat([p.detach().flatten() for p in [*u, v]]))
    torch.testing.assert_close(*moved)


def test_a_gradient_of_two_parameters_is_not_changed_twice():
    """Where f has a + b only, autograd hands out one tensor for both, and Nesterov's momentum adds to it in place."""
    ends = []
    for foreach in (True, False):
        a, b = (torch.full((3,), 0.5, requires_grad=True) for _ in range(2))
        player = Player([a, b], torch.optim.SGD([a, b], lr=0.1, momentum=0.9, nesterov=True, foreach=foreach))
        for _ in range(3):
            descend((a + b).square().sum(), player)
        ends.append(a.detach())
    torch.testing.assert_close(*ends)
