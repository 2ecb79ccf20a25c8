"""The forms below the exact step's cost, each against what it says it computes; float64."""

import pytest
import torch
from penalty_cases import Case, SmoothCase, distance, reference
from problems import Smooth, SmoothAttacker, images

from mvm.leader_follower import Player, iterate, solve
from mvm.penalty import Carried, Through, double, every, lookahead, part
from mvm.risk import risk


class Recorder:
    """An optimiser that moves nothing and keeps the gradients."""

    def __init__(self, parameters):
        self.parameters, self.seen = list(parameters), []

    def step(self):
        self.seen.append([p.grad.clone() for p in self.parameters])


def recorded(parameters):
    return Player(list(parameters), Recorder(parameters))


def mean(rows):
    return [torch.stack(column).mean(0) for column in zip(*rows, strict=True)]


@pytest.mark.parametrize("name", ["mnist", "cifar10"])
def test_the_whole_batch_as_its_own_part_is_exact(name):
    case, gamma = Case(name), 50.0
    plain, mixed, g_v = reference(case.payoff(), case.u, case.v, gamma)
    torch.manual_seed(3)
    ours = part(case.through(), case.u, case.v, gamma, share=1.0)
    assert distance([a - b for a, b in zip(ours.g_u, plain, strict=True)], mixed) < 1e-6
    assert distance(ours.g_v, g_v) < 1e-9


@pytest.mark.parametrize("s", [1, 2, 3])
def test_a_parts_mean_over_the_orders_of_the_batch_is_exact(s):
    """Every rotation brings each image into S equally often; risk and df/dv are always the whole batch's."""
    torch.manual_seed(1)
    g, z, (x, y) = Smooth(), SmoothAttacker(), images(6)
    u, v = list(g.parameters()), list(z.parameters())
    f = Through(lambda: z(x, y), g, lambda logits: risk(logits, y))
    exact, found = double(f, u, v, 5.0), []
    for turn in range(6):
        x_t, y_t = x.roll(turn, 0), y.roll(turn, 0)
        f_t = Through(lambda x=x_t, y=y_t: z(x, y), g, lambda logits, y=y_t: risk(logits, y))
        ours = part(f_t, u, v, 5.0, share=s / 6)
        torch.testing.assert_close(ours.risk, exact.risk)
        assert distance(ours.g_v, exact.g_v) < 1e-12
        found.append(list(ours.g_u))
    assert distance(mean(found), exact.g_u) < 1e-12
    assert distance(found[0], exact.g_u) > 1e-3  # one of them is an estimate


def test_a_parts_direction_is_the_whole_batchs():
    """Not half the norm of the part's own df/dv, whose mean over the orders is something else."""
    torch.manual_seed(1)
    g, z, (x, y) = Smooth(), SmoothAttacker(), images(6)
    u, v = list(g.parameters()), list(z.parameters())
    exact = double(Through(lambda: z(x, y), g, lambda logits: risk(logits, y)), u, v, 5.0)
    own = []
    for i in range(6):
        one = Through(lambda i=i: z(x[i : i + 1], y[i : i + 1]), g, lambda logits, i=i: risk(logits, y[i : i + 1]))
        own.append(list(double(one, u, v, 5.0).g_u))
    assert distance(mean(own), exact.g_u) > 1e-2


def test_every_nth_penalty_is_exact_on_average():
    case, n = SmoothCase(), 4
    u, v = recorded(case.u), recorded(case.v)
    gamma = every(n, 3.0)
    seen = [iterate(case.payoff(), u, v, gamma=gamma(i)) for i in range(1, n + 1)]
    assert len(seen) == n and [gamma(i) > 0 for i in range(1, 9)] == [False, False, False, True] * 2
    assert distance(mean(u.optimizer.seen), double(case.payoff(), case.u, case.v, 3.0).g_u) < 1e-12


@pytest.mark.parametrize("n", [0, -1, 2.5])
def test_every_refuses_what_is_no_number_of_iterations(n):
    with pytest.raises(ValueError, match="every="):
        every(n, 1.0)


def test_carried_is_plain_at_first_and_lookahead_where_the_direction_stays():
    case, gamma = SmoothCase(), 0.7
    carried, f = Carried(case.v), case.payoff()
    plain = double(f, case.u, case.v, 0.0)
    first, second = (carried(f, case.u, case.v, gamma) for _ in range(2))
    assert distance(first.g_u, plain.g_u) < 1e-12 and distance(first.g_v, plain.g_v) < 1e-12
    assert distance(second.g_u, lookahead(f, case.u, case.v, gamma).g_u) < 1e-12
    assert distance(second.g_u, plain.g_u) > 1e-3


def test_carrieds_errors_fall_with_gamma():
    """Its mixed term to the exact one; its df/dv is off by gamma (d2f/dv2) d and O(gamma^2)."""
    case = SmoothCase()
    f = case.payoff()
    plain, mixed, g_v = reference(f, case.u, case.v, 1.0)
    again = torch.autograd.grad(f(), case.v, create_graph=True)
    curved = torch.autograd.grad(again, case.v, [g.detach() for g in again])
    of_u, of_v = [], []
    for gamma in (1e-1, 1e-2, 1e-3):
        carried = Carried(case.v)
        carried(f, case.u, case.v, gamma)
        ours = carried(f, case.u, case.v, gamma)
        of_u.append(distance([(a - p) / gamma for a, p in zip(ours.g_u, plain, strict=True)], mixed))
        of_v.append(distance([(a - g) / gamma for a, g in zip(ours.g_v, g_v, strict=True)], curved))
    for e in (of_u, of_v):
        assert e[0] / e[1] == pytest.approx(10, rel=0.2) and e[1] / e[2] == pytest.approx(10, rel=0.2)


def test_carried_comes_to_lookahead_as_the_steps_get_smaller():
    errors = []
    for rate in (1e-2, 1e-3):
        torch.manual_seed(0)
        case = SmoothCase()
        f, carried = case.payoff(), Carried(case.v)
        u, v = (Player(p, torch.optim.SGD(p, lr=rate)) for p in (case.u, case.v))
        for _ in range(3):
            iterate(f, u, v, gamma=0.1, penalty=carried)
        ahead = lookahead(f, case.u, case.v, 0.1).g_u
        errors.append(distance(carried(f, case.u, case.v, 0.1).g_u, ahead))
    assert errors[1] < 0.3 * errors[0]


def test_carrieds_direction_is_a_part_of_its_state():
    case = SmoothCase()
    f, carried, other = case.payoff(), Carried(case.v), Carried(case.v)
    carried(f, case.u, case.v, 1.0)
    other.load_state_dict(carried.state_dict())
    same = zip(*(c(f, case.u, case.v, 1.0).g_u for c in (carried, other)), strict=True)
    assert all(torch.equal(a, b) for a, b in same)


def test_carried_is_no_name_for_iterate():
    case = SmoothCase()
    with pytest.raises(ValueError, match="penalty='carried'"):
        iterate(case.payoff(), recorded(case.u), recorded(case.v), gamma=1.0, penalty="carried")


def test_every_follower_of_a_population_carries_its_own_direction():
    """f = v, so every direction is 1, and f at v + 10 d tells whether a follower has one yet."""

    def fall(u, v):
        v[v == 1.0] = 0.5

    starts = [torch.tensor([start], dtype=torch.float64) for start in (1.0, 0.9)]
    rates = {"lambda_": 0.0, "sigma": 0.0, "gamma": 10.0, "penalty": "carried", "iterations": 3}
    end = solve(lambda u, v: (v + 0 * u).sum(), torch.zeros(1, dtype=torch.float64), starts, project=fall, **rates)
    assert end.risk.tolist() == pytest.approx([1.0, 0.9, 10.9])  # the first, the second, the second again
