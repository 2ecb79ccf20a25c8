"""Eq. (16) layer by layer, for a classifier that is a chain of piecewise linear layers, as the paper's are."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from mvm.errors import UserError
from mvm.penalty.double import refuse_compiled
from mvm.penalty.form import Penalised
from mvm.penalty.layers import STEPS, Step, Weighted
from mvm.penalty.through import check_through, pushed
from mvm.sensitivity import squared_norm


def linear(f: Callable[[], Tensor], u: Sequence[Tensor], v: Sequence[Tensor], gamma: float) -> Penalised:
    """What `image` computes, without a graph of the classifier and with first-order kernels only. Exact.

    Let x be the input of a layer with weights W, d = df/d(W x), t how x moves as z moves along w (`pushed`),
    and d' how d moves then. A layer is linear but for its kinks, so d' comes from the loss alone, and

        d/dW [f + gamma <df/dz, w>] = (d + gamma d')^T x + gamma d^T t.

    6 forward passes of multiply-adds: x, d, t, d + gamma d', and two weight gradients. Raises `UserError`
    for a net that is no such chain (`obstacle`) and for a compiled loss; ValueError unless f is a `Through`.
    """
    f = check_through(f, "linear")
    if why := obstacle(f.net):
        raise UserError(f"penalty=linear is for chains of piecewise linear layers, but {why}; use penalty=image")
    steps = [STEPS[type(layer)](layer) for layer in chain(f.net)]
    z = f.z()
    with torch.no_grad():
        logits = z.detach()
        for step in steps:
            logits = step.forward(logits)
    logits.requires_grad_(True)
    value = f.loss(logits)
    refuse_compiled(value)
    (top,) = torch.autograd.grad(value, logits, create_graph=True)  # d of the logits
    with torch.no_grad():
        g_z = top
        for step in reversed(steps):
            g_z = step.back(g_z)
    g_v, w = pushed(z, v, g_z)
    with torch.no_grad():
        for step in steps:
            w = step.along(w)
    (top,) = torch.autograd.grad(value + gamma * (top * w).sum(), logits)  # d + gamma d' of the logits
    return Penalised(value, squared_norm(g_v), weight_gradients(steps, top, u, gamma), g_v)


@torch.no_grad()
def weight_gradients(steps: list[Step], top: Tensor, u: Sequence[Tensor], gamma: float) -> list[Tensor]:
    """The formula of `linear` for each parameter in u, zeros for those of no layer."""
    found: dict[Tensor, Tensor] = {}
    first = next((i for i, step in enumerate(steps) if isinstance(step, Weighted)), len(steps))
    for i, step in reversed(list(enumerate(steps))[first:]):
        if isinstance(step, Weighted):
            pair = step.layer.weight, step.layer.bias
            for p, g in zip(pair, step.gradients(top, gamma), strict=True):
                if p is not None:  # a layer may have no bias
                    found[p] = found[p] + g if p in found else g
        if i > first:  # nothing before it has weights
            top = step.back(top)
    return [found[p] if p in found else torch.zeros_like(p) for p in u]


def chain(net: Any) -> Iterator[Any]:
    """The layers of a Sequential, also of nested ones, in order; anything else is one layer."""
    if isinstance(net, nn.Sequential) and type(net).forward is nn.Sequential.forward and not hooked(net):
        for part in net:
            yield from chain(part)
    else:
        yield net


def obstacle(net: Callable[[Tensor], Tensor]) -> str:
    """Why `linear` cannot differentiate the net, or an empty string."""
    if torch.is_autocast_enabled("cpu") or torch.is_autocast_enabled("cuda"):
        return "autocast is on"
    for layer in chain(net):
        name = type(layer).__name__
        if type(layer) not in STEPS:
            return f"{name} is none of {', '.join(known.__name__ for known in STEPS)}"
        if hooked(layer):
            return f"a {name} has hooks"
        if getattr(layer, "padding_mode", "zeros") != "zeros" or isinstance(getattr(layer, "padding", 0), str):
            return f"a {name} does not pad with a number of zeros"
        if getattr(layer, "return_indices", False):
            return f"a {name} returns indices"
    return ""


def hooked(module: nn.Module) -> bool:
    """Whether calling the module does more than its forward."""
    return bool(
        module._forward_hooks or module._forward_pre_hooks or module._backward_hooks or module._backward_pre_hooks
    )
