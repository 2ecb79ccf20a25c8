"""Eqs. (3), (6), (7), (15), (16) against hand values and central differences in float64."""

import math

import pytest
import torch
from problems import Smooth, SmoothAttacker, images, numeric_gradient

from mvm.risk import risk
from mvm.sensitivity import input_gradient, sensitivity, squared_norm


def test_eq3_by_hand():
    logits = torch.tensor([[0.0, 0.0], [math.log(3.0), 0.0]])
    assert risk(logits, torch.tensor([0, 1])).item() == pytest.approx((math.log(2) + math.log(4)) / 2)


def test_input_gradient_is_each_images_own():
    g, (x, y) = Smooth(), images()
    loss, gradient = input_gradient(g, x, y)
    z = x.clone()
    (numeric,) = numeric_gradient(lambda: risk(g(z), y) * len(x), [z])
    torch.testing.assert_close(gradient, numeric, atol=1e-8, rtol=1e-6)
    torch.testing.assert_close(loss.mean(), risk(g(x), y))
    torch.testing.assert_close(input_gradient(g, x[2:3], y[2:3])[1][0], gradient[2])
    assert all(p.grad is None for p in g.parameters())


def eq7(g, z, y, eta):
    """The second form that the paper prints: f + eta/(2N) sum_i ||dl_i/dz_i||^2."""
    _, gradient = input_gradient(g, z, y)
    return risk(g(z), y) + eta / (2 * len(z)) * gradient.square().sum()


def test_gradient_of_eq7():
    g, (z, y) = Smooth(), images()
    u, eta = list(g.parameters()), 0.3
    z.requires_grad_(True)
    f = risk(g(z), y)
    norm, _ = sensitivity(f, [z])
    ours = torch.autograd.grad(f + eta * len(z) / 2 * norm, u)
    for a, b in zip(ours, numeric_gradient(lambda: eq7(g, z, y, eta), u), strict=True):
        torch.testing.assert_close(a, b, atol=1e-8, rtol=1e-6)


def test_eq6_is_the_gradient_of_eq7_at_gamma_eta_n():
    """Differentiating through the attack of Eq. (4), whose z moves with u, at the current z."""
    g, (x, y) = Smooth(), images()
    u = list(g.parameters())

    def through_the_attack(eta):
        point = x.clone().requires_grad_(True)
        losses = torch.nn.functional.cross_entropy(g(point), y, reduction="sum")
        (gradient,) = torch.autograd.grad(losses, point, create_graph=True)
        z = x + eta * (gradient - gradient.detach())  # the current z, whose derivative in u is Eq. (4)'s
        return torch.autograd.grad(risk(g(z), y), u)

    for eta in (0.3, 0.05):
        z = x.clone().requires_grad_(True)
        f = risk(g(z), y)
        norm, _ = sensitivity(f, [z])
        penalised = torch.autograd.grad(f + eta * len(x) / 2 * norm, u)
        for a, b in zip(penalised, through_the_attack(eta), strict=True):
            torch.testing.assert_close(a, b, atol=1e-12, rtol=1e-9)


def test_eq15_is_the_gradient_of_eq16_at_gamma_sigma():
    """df/du + d/du f(u, v + sigma df/dv) taken at the old v: Eq. (15) written out by a second backward pass."""
    g, z, (x, y) = Smooth(), SmoothAttacker(), images()
    u, v, sigma = list(g.parameters()), list(z.parameters()), 0.1

    def f():
        return risk(g(z(x, y)), y)

    norm, g_v = sensitivity(f(), v)
    eq16 = torch.autograd.grad(f() + sigma / 2 * norm, u)
    eq15 = numeric_gradient(lambda: f() + sigma * _dot(torch.autograd.grad(f(), v), g_v), u)
    for a, b in zip(eq16, eq15, strict=True):
        torch.testing.assert_close(a, b, atol=1e-8, rtol=1e-6)


def _dot(a, b):
    return sum((p * q.detach()).sum() for p, q in zip(a, b, strict=True))


def test_gradient_of_eq16():
    g, z, (x, y) = Smooth(), SmoothAttacker(), images()
    u, v, gamma = list(g.parameters()), list(z.parameters()), 1.0

    def f():
        return risk(g(z(x, y)), y)

    norm, _ = sensitivity(f(), v)
    ours = torch.autograd.grad(f() + gamma / 2 * norm, u)
    whole = numeric_gradient(lambda: f() + gamma / 2 * squared_norm(torch.autograd.grad(f(), v)), u)
    for a, b in zip(ours, whole, strict=True):
        torch.testing.assert_close(a, b, atol=1e-8, rtol=1e-6)
