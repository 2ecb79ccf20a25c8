"""The forms of the penalty's gradient against double backward in float64, on the real nets with dropout on."""

import pytest
import torch
from penalty_cases import SHAPES, Case, SmoothCase, distance, flat, reference
from torch import nn

from mvm.errors import UserError
from mvm.leader_follower import Payoff
from mvm.penalty import FORMS, NAMES, THROUGH, Through, check_penalty, double, fd, image, lookahead
from mvm.penalty import form as form_of
from mvm.penalty.replay import Replay
from mvm.risk import risk
from mvm.sensitivity import squared_norm


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("form", ["double", "jvp", "image", "linear", "exact"])
def test_exact_forms_are_double_backward(form, name):
    case, gamma = Case(name), 50.0
    f = case.payoff() if form == "jvp" else case.through()
    plain, mixed, g_v = reference(case.payoff(), case.u, case.v, gamma)
    torch.manual_seed(3)
    ours = FORMS[form](f, case.u, case.v, gamma)
    assert flat(mixed).norm() > 1e-3 * flat(plain).norm()  # there is something to get wrong
    assert distance([a - b for a, b in zip(ours.g_u, plain, strict=True)], mixed) < 1e-6
    assert distance(ours.g_v, g_v) < 1e-9
    torch.testing.assert_close(ours.norm, squared_norm(g_v))


@pytest.mark.parametrize("name", SHAPES)
def test_fd_agrees_where_its_step_crosses_no_kink(name):
    case, gamma = Case(name), 50.0
    plain, mixed, _ = reference(case.payoff(), case.u, case.v, gamma)
    torch.manual_seed(3)
    ours = fd(case.payoff(), case.u, case.v, gamma, radius=1e-7)
    assert distance([a - b for a, b in zip(ours.g_u, plain, strict=True)], mixed) < 1e-4


def test_fds_error_is_linear_in_its_step():
    case, gamma = SmoothCase(), 1.0
    plain, mixed, _ = reference(case.payoff(), case.u, case.v, gamma)
    whole = [p + m for p, m in zip(plain, mixed, strict=True)]
    errors = [distance(fd(case.payoff(), case.u, case.v, gamma, radius=r).g_u, whole) for r in (1e-1, 1e-2, 1e-3)]
    assert errors[0] / errors[1] == pytest.approx(10, rel=0.2) and errors[1] / errors[2] == pytest.approx(10, rel=0.2)


def test_lookaheads_mixed_term_is_right_to_first_order():
    case = SmoothCase()
    plain, mixed, _ = reference(case.payoff(), case.u, case.v, 1.0)
    errors = []
    for gamma in (1e-1, 1e-2, 1e-3):
        ahead = lookahead(case.payoff(), case.u, case.v, gamma).g_u
        errors.append(distance([(a - p) / gamma for a, p in zip(ahead, plain, strict=True)], mixed))
    assert errors[0] / errors[1] == pytest.approx(10, rel=0.2) and errors[1] / errors[2] == pytest.approx(10, rel=0.2)


@pytest.mark.parametrize("form", NAMES)
def test_nothing_but_the_random_state_is_changed(form):
    """And that stands where one evaluation leaves it."""
    case = Case("mnist")
    f = case.payoff() if form == "jvp" else case.through()
    torch.manual_seed(3)
    f()
    after = torch.get_rng_state()
    before = [p.detach().clone() for p in [*case.u, *case.v]]
    torch.manual_seed(3)
    form_of(form, case.v)(f, case.u, case.v, 1.0)
    assert torch.equal(torch.get_rng_state(), after)
    for p, old in zip([*case.u, *case.v], before, strict=True):
        assert torch.equal(p, old) and p.grad is None


def test_replay_draws_the_same_numbers():
    with Replay() as replay:
        first = torch.rand(3)
        replay.again()
        assert torch.equal(torch.rand(3), first)


@pytest.mark.filterwarnings("ignore")  # the compiler's own
def test_a_compiled_net_is_refused_by_the_exact_forms_and_not_by_lookahead():
    case = SmoothCase()
    compiled = torch.compile(case.g, backend="aot_eager")
    f = Through(lambda: case.z(case.x, case.y), compiled, lambda logits: risk(logits, case.y))
    for form in (double, image):
        with pytest.raises(UserError, match=r"torch\.compile"):
            form(f, case.u, case.v, 1.0)
    loss = torch.compile(lambda logits: risk(logits, case.y), backend="aot_eager")
    with pytest.raises(UserError, match="OptimizedModule is none of"):
        FORMS["linear"](f, case.u, case.v, 1.0)
    chain = nn.Sequential(nn.Flatten(), nn.Linear(6, 3, dtype=torch.float64))
    with pytest.raises(UserError, match=r"torch\.compile"):
        FORMS["linear"](Through(f.z, chain, loss), list(chain.parameters()), case.v, 1.0)
    net = torch.compile(case.z, backend="aot_eager")
    f_of_z = Through(lambda: net(case.x, case.y), case.g, lambda logits: risk(logits, case.y))
    for form in ("image", "part"):
        with pytest.raises(UserError, match=r"torch\.compile"):
            FORMS[form](f_of_z, case.u, case.v, 1.0)
    plain = lookahead(case.through(), case.u, case.v, 1.0).g_u
    assert distance(lookahead(f, case.u, case.v, 1.0).g_u, plain) < 1e-9


def test_fd_refuses_coarse_arithmetic():
    v = [torch.ones(2, requires_grad=True)]
    f = lambda: v[0].square().sum()  # noqa: E731
    with torch.autocast("cpu"), pytest.raises(UserError, match="without autocast"):
        fd(f, v, v, 1.0)
    half = [torch.ones(2, dtype=torch.bfloat16, requires_grad=True)]
    with pytest.raises(UserError, match="bfloat16"):
        fd(f, half, half, 1.0)


def test_forms_ask_for_the_f_that_they_need():
    case = SmoothCase()
    closure = lambda: risk(case.g(case.z(case.x, case.y)), case.y)  # noqa: E731
    for form in THROUGH:
        with pytest.raises(ValueError, match=f"penalty={form} needs .* pass a Through"):
            FORMS[form](closure, case.u, case.v, 1.0)
    with pytest.raises(ValueError, match="pass a Payoff"):
        FORMS["jvp"](closure, case.u, case.v, 1.0)
    with pytest.raises(ValueError, match="penalty='triple'"):
        check_penalty("triple")


def test_parameters_that_f_does_not_use_get_zeros():
    u, unused, v = (torch.ones(2, dtype=torch.float64, requires_grad=True) for _ in range(3))
    f = Payoff(lambda a, b: (a["u"] * b).sum() ** 2, {"u": u, "unused": unused}, v)
    for form in ("double", "jvp", "fd", "lookahead", "carried"):
        _, zero = form_of(form, [v])(f, [u, unused], [v], 1.0).g_u
        assert not zero.any()
    case = SmoothCase()
    plain = reference(case.through(), case.u, case.v, 1.0)[2]
    for form in ("exact", "image", "part", "double", "lookahead", "fd"):
        *g_v, zero = FORMS[form](case.through(), case.u, [*case.v, unused], 1.0).g_v
        assert not zero.any() and distance(g_v, plain) < 1e-9


def test_in_float32_through_kinks_a_finite_difference_is_not_the_derivative():
    """Why `fd` is no default: each ReLU and each maximum that the step crosses adds a jump divided by h."""
    case = Case("mnist")
    _, mixed, _ = reference(case.payoff(), case.u, case.v, 1.0)
    single = Case("mnist")
    single.g.load_state_dict(case.g.state_dict()), single.z.load_state_dict(case.z.state_dict())
    nn.Module.float(single.g), nn.Module.float(single.z)
    single.x = case.x.float()
    plain, _, _ = reference(single.payoff(), single.u, single.v, 1.0)

    def error(form):
        torch.manual_seed(3)
        g_u = form(single.payoff(), single.u, single.v, 1.0).g_u
        return distance([(a - b).double() for a, b in zip(g_u, plain, strict=True)], mixed)

    assert error(double) < 1e-3 and error(fd) > 1e-2


@pytest.mark.parametrize("form", ["image", "part"])
def test_a_net_may_work_in_place(form):
    case, g = SmoothCase(), nn.Sequential(nn.Flatten(), nn.Linear(6, 3, dtype=torch.float64))
    u, loss = list(g.parameters()), lambda logits: risk(logits, case.y)  # noqa: E731
    z = lambda: case.z(case.x, case.y)  # noqa: E731
    found, expected = (
        FORMS[form](Through(z, nn.Sequential(nn.ReLU(inplace), *g), loss), u, case.v, 1.0) for inplace in (True, False)
    )
    assert distance(found.g_u, expected.g_u) < 1e-12


def test_a_part_of_the_batch_has_other_statistics_than_the_whole():
    case, g = (
        SmoothCase(),
        nn.Sequential(nn.Flatten(), nn.BatchNorm1d(6, dtype=torch.float64), nn.Linear(6, 3).double()),
    )
    f = Through(lambda: case.z(case.x, case.y), g, lambda logits: risk(logits, case.y))
    with pytest.raises(UserError, match="use penalty=image"):
        FORMS["part"](f, list(g.parameters()), case.v, 1.0)
    g.eval()
    FORMS["part"](f, list(g.parameters()), case.v, 1.0)
