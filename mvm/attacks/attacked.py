"""A classifier while it is attacked: only gradients in its input are wanted, and many of them."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch
from torch import nn

from mvm.attacks.thin_conv import thinned


@contextmanager
def evaluating(*modules: nn.Module) -> Iterator[None]:
    """Eval mode inside; outside every sub-module has the mode it had."""
    modes = [(m, m.training) for module in modules for m in module.modules()]
    try:
        for module in modules:
            module.eval()
        yield
    finally:
        for m, training in modes:
            m.training = training


@contextmanager
def attacked(classifier: nn.Module) -> Iterator[None]:
    """Inside: eval mode, frozen parameters and, on a CPU, images laid out channels last and `thin_conv`.

    Weights laid out so make the maps so, in which max-pooling is several times faster; behind a pooling the
    gradient is laid out so, too. Not where a module has a forward that is not torch's own: it may ask of its maps to
    `view(B, -1)`, which then is an error. The function is the same up to rounding. Outside everything is as it was, bit
    for bit; weights must not be changed inside.
    """
    was = [(p, p.data, p.requires_grad) for p in classifier.parameters()]
    lay_out = all(type(m).forward.__module__.startswith("torch.nn.") for m in classifier.modules())
    with evaluating(classifier), ExitStack() as undo:
        for p, data, learns in was:
            undo.callback(_restore, p, data, learns)
            p.requires_grad_(False)
            if lay_out and data.dim() == 4 and data.device.type == "cpu":
                p.data = data.to(memory_format=torch.channels_last)
        for module in classifier.modules():
            undo.enter_context(thinned(module))
            if isinstance(module, nn.MaxPool2d):
                undo.callback(module.register_forward_hook(_gradient_last).remove)
        yield


def _restore(p: nn.Parameter, data: torch.Tensor, learns: bool) -> None:
    p.data = data
    p.requires_grad_(learns)


def _gradient_last(module: nn.Module, inputs: object, out: object) -> None:
    if isinstance(out, torch.Tensor) and out.requires_grad and out.device.type == "cpu":
        out.register_hook(lambda g: g.contiguous(memory_format=torch.channels_last))
