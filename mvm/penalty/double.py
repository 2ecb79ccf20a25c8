"""Reverse over reverse: the exact gradient of Eq. (16), for any f."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from mvm.errors import UserError
from mvm.penalty.form import Penalised
from mvm.sensitivity import sensitivity


def double(f: Callable[[], Tensor], u: Sequence[Tensor], v: Sequence[Tensor], gamma: float) -> Penalised:
    """Differentiates f + gamma/2 ||df/dv||^2 as it stands; one evaluation of f, so one set of random numbers.

    6 forward passes of multiply-adds where one gradient in (u, v) is 3. Raises `UserError` for a risk
    inside torch.compile, which gives no second derivatives, or wrong ones.
    """
    value = f()
    refuse_compiled(value)
    norm, g_v = sensitivity(value, v)
    return Penalised(value, norm, torch.autograd.grad(value + gamma / 2 * norm, u, materialize_grads=True), g_v)


def refuse_compiled(f: Tensor) -> None:
    """Raise `UserError` if a compiled function is in f's graph."""
    todo, seen = [f.grad_fn], set()
    while todo:
        node = todo.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if "CompiledFunction" in node.name():
            raise UserError(
                "f goes through torch.compile, whose functions have no second derivatives; "
                "pass the uncompiled modules, or use penalty=lookahead, which needs first derivatives only"
            )
        todo += [parent for parent, _ in node.next_functions]
