"""One iteration of `solve` on games of two numbers, by hand."""

import pytest
import torch

from mvm.leader_follower import Payoff, solve
from mvm.leader_follower.population import starts, worst


@pytest.mark.parametrize(
    ("method", "settings", "slope"),
    [
        ("extragradient", {}, lambda r, u, v, sigma: r * (v + sigma * r * u)),
        ("unrolled", {"unroll": 2}, lambda r, u, v, sigma: r * v + 4 * sigma * r**2 * u),
    ],
)
def test_an_iteration_that_asks_twice_draws_the_same_random_numbers(method, settings, slope):
    """f = r u v with r drawn within f."""

    def f(u, v):
        return (torch.rand((), dtype=torch.float64) * u * v).sum()

    u, v = (torch.tensor([w], dtype=torch.float64) for w in (0.7, -0.4))
    torch.manual_seed(5)
    r = torch.rand((), dtype=torch.float64).item()
    torch.manual_seed(5)
    found = solve(f, u, v, method, iterations=1, lambda_=0.1, sigma=0.05, **settings)
    assert found.u.item() == pytest.approx(0.7 - 0.1 * slope(r, 0.7, -0.4, 0.05))


def bowl(u, v):
    return (0.75 * u * u + 2 * u * v - 0.25 * v * v).sum()


def scalar(w):
    return torch.tensor([w], dtype=torch.float64)


def test_maximin_gives_each_player_its_own_optimiser():
    found = solve(
        bowl, scalar(0.7), scalar(-0.4), "maximin", iterations=1, lambda_=0.1, sigma=0.05, gamma=0.0,
        u_optimizer=torch.optim.Adam,
    )  # fmt: skip
    assert found.u.item() == pytest.approx(0.7 - 0.1)  # Adam's first step is its rate
    assert found.v.item() == pytest.approx(-0.4 + 0.05 * (2 * 0.7 + 0.5 * 0.4))


def test_followers_that_are_not_the_worst_ascend_too():
    found = solve(bowl, scalar(0.7), [scalar(2.0), scalar(-0.4)], "gda", iterations=1, lambda_=0.1, sigma=0.05)
    expected = [v + 0.05 * (2 * 0.7 - 0.5 * v) for v in (-0.4, 2.0)]
    assert sorted(v.item() for v in found.followers) == pytest.approx(sorted(expected))


def test_followers_are_compared_on_the_same_random_numbers():
    """f is v and noise that is larger by far: on numbers of their own either may look worse."""
    payoffs = [Payoff(lambda u, v: (v + 100 * torch.randn((), dtype=torch.float64)).sum(), scalar(0.0), scalar(w))
               for w in (1.0, 2.0, 0.0)]  # fmt: skip
    torch.manual_seed(0)
    assert {worst(payoffs) for _ in range(20)} == {1}


def test_other_followers_keep_what_is_frozen():
    v = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Linear(3, 1))
    v[0].weight.requires_grad_(False)
    _, other = starts(v, 2, 1.0)
    assert torch.equal(other[0].weight, v[0].weight) and not torch.equal(other[0].bias, v[0].bias)
    assert not torch.equal(other[1].weight, v[1].weight)
