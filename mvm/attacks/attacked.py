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
    """Inside: eval mode, frozen parameters and, on a CPU, the fast forms of its convolutions.

    Those are weights laid out channels last, by which max-pooling is several times faster, and
    `mvm.attacks.thin_conv`. The function is the same up to rounding. Outside everything is as it was,
    bit for bit; weights must not be changed inside.
    """
    was = [(p, p.data, p.requires_grad) for p in classifier.parameters()]
    with evaluating(classifier), ExitStack() as undo:
        for p, data, learns in was:
            undo.callback(_restore, p, data, learns)
            p.requires_grad_(False)
            if data.dim() == 4 and data.device.type == "cpu":
                p.data = data.to(memory_format=torch.channels_last)
        for module in classifier.modules():
            undo.enter_context(thinned(module))
        yield


def _restore(p: nn.Parameter, data: torch.Tensor, learns: bool) -> None:
    p.data = data
    p.requires_grad_(learns)
