"""A frozen convolution on an image of few channels, with a fast gradient in the image."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from mvm.image_gradient import image_gradient, thin


@contextmanager
def thinned(module: nn.Module) -> Iterator[None]:
    """If the module is a plain Conv2d that `image_gradient` knows, and frozen, it differentiates this way inside."""
    if not (type(module) is nn.Conv2d and thin(module) and not module.weight.requires_grad) or "forward" in vars(
        module
    ):
        yield
        return
    module.forward = partial(_forward, module)  # type: ignore[method-assign]  # of this object alone
    try:
        yield
    finally:
        del module.forward


def _forward(conv: nn.Conv2d, x: Tensor) -> Tensor:
    return ThinConv.apply(x, conv)  # type: ignore[no-any-return]


class ThinConv(torch.autograd.Function):
    """conv(x) for images x (B, C, H, W), to be differentiated in x alone."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, conv: nn.Conv2d) -> Tensor:
        ctx.conv = conv
        return nn.Conv2d.forward(conv, x)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, None]:  # type: ignore[override]
        return image_gradient(ctx.conv, g), None
