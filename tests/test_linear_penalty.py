"""penalty=linear: on which nets, at what price."""

import importlib

import pytest
import torch
from penalty_cases import Case, SmoothCase, distance, flat, reference_with_unused
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from mvm.errors import UserError
from mvm.penalty import FORMS, Through
from mvm.risk import risk


def strange():
    """What `linear` knows, in ways that the paper's nets do not use; one layer is there twice."""
    twice = nn.Linear(8, 8)
    return nn.Sequential(
        nn.ReLU(),
        nn.Sequential(nn.Conv2d(2, 4, 3, stride=2, padding=1, bias=False), nn.ReLU(), nn.Dropout(0.5)),
        nn.Conv2d(4, 6, (3, 2), padding=(2, 1), dilation=(2, 1), groups=2),
        nn.MaxPool2d((3, 2), stride=(2, 1), padding=(1, 0)),
        nn.Flatten(),
        nn.LazyLinear(8),
        *(twice, nn.ReLU(), twice, nn.ReLU(), nn.Dropout(0.3)),
        nn.Linear(8, 5, bias=False),
    )


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_linear_is_double_backward_on_strange_chains_too(layout):
    net, y = strange(), torch.arange(5)
    z = torch.randn(5, 2, 9, 8, dtype=torch.float64, requires_grad=True)
    net(z.detach().float())
    net.double().to(memory_format=layout)
    u = [*net.parameters(), torch.ones(2, dtype=torch.float64, requires_grad=True)]  # the last is in no layer
    f = Through(lambda: z, net, lambda logits: risk(logits, y))
    plain, mixed, g_v = (list(part) for part in reference_with_unused(f, u, [z], 50.0))
    torch.manual_seed(3)
    ours = FORMS["linear"](f, u, [z], 50.0)
    assert distance([a - b for a, b in zip(ours.g_u, plain, strict=True)], mixed) < 1e-9
    assert flat(mixed).norm() > 1e-2 * flat(plain).norm() and not ours.g_u[-1].any()
    assert distance(ours.g_v, g_v) < 1e-12


@pytest.mark.parametrize("form", ["linear", "exact"])
def test_linear_layers_on_each_row_of_an_image(form):
    net = nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Flatten(), nn.Linear(15, 3)).double()
    z, y = torch.randn(6, 1, 3, 4, dtype=torch.float64, requires_grad=True), torch.arange(6) % 3
    f = Through(lambda: z, net, lambda logits: risk(logits, y))
    u = list(net.parameters())
    assert distance(FORMS[form](f, u, [z], 5.0).g_u, FORMS["double"](f, u, [z], 5.0).g_u) < 1e-12


def test_linear_multiplies_no_more_than_six_forward_passes():
    """Not even that, as the last two need no cotangent of the image; but `image_gradient` multiplies by zeros."""
    case = Case("cifar10")
    z = case.x.requires_grad_(True)
    f = Through(lambda: z, case.g, lambda logits: risk(logits, case.y))
    with FlopCounterMode(display=False) as forward:
        f()
    with FlopCounterMode(display=False) as first:
        case.g[0](z)
    with FlopCounterMode(display=False) as ours:
        FORMS["linear"](f, case.u, [z], 1.0)
    zeros = 6 * 6 / (5 * 5) - 1
    assert ours.get_total_flops() == round(6 * forward.get_total_flops() - (1 - zeros) * first.get_total_flops())


class Doubled(nn.Sequential):
    def forward(self, x):
        return 2 * super().forward(x)


def hooked():
    net = nn.Sequential(nn.Linear(3, 2))
    net[0].register_forward_hook(lambda *_: None)
    return net


@pytest.mark.parametrize(
    ("net", "why"),
    [
        (nn.Sequential(nn.Linear(3, 3), nn.Softplus(), nn.Linear(3, 2)), "Softplus is none of Linear, Conv2d"),
        (Doubled(nn.Linear(3, 2)), "Doubled is none of"),
        (hooked(), "a Linear has hooks"),
        (nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(3, 2))), "ParametrizedLinear is none of"),
        (nn.Sequential(nn.Conv2d(1, 2, 3, padding_mode="circular"), nn.Flatten()), "a Conv2d does not pad"),
        (nn.Sequential(nn.Conv2d(1, 2, 3, padding="same"), nn.Flatten()), "a Conv2d does not pad"),
        (nn.Sequential(nn.MaxPool2d(2, return_indices=True)), "a MaxPool2d returns indices"),
        (lambda x: x, "function is none of"),
    ],
)
def test_linear_refuses_what_it_does_not_know(net, why):
    z = torch.ones(1, 3, requires_grad=True)
    f = Through(lambda: z, net, lambda logits: risk(logits, torch.tensor([0])))
    with pytest.raises(UserError, match=rf"{why}.*penalty=image"):
        FORMS["linear"](f, [], [z], 1.0)


def test_linear_refuses_autocast():
    case = Case("mnist")
    with torch.autocast("cpu"), pytest.raises(UserError, match="autocast is on"):
        FORMS["linear"](case.through(), case.u, case.v, 1.0)


def test_exact_is_linear_where_the_net_allows_it(monkeypatch):
    took = []
    rule = importlib.import_module("mvm.penalty.exact")
    monkeypatch.setattr(rule, "linear", lambda *_: took.append("linear"))
    monkeypatch.setattr(rule, "image", lambda *_: took.append("image"))
    for f in (Case("mnist").through(), Case("cifar10").through(), SmoothCase().through()):
        FORMS["exact"](f, [], [], 1.0)
    assert took == ["linear", "linear", "image"]
