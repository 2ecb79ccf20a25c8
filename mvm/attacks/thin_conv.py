"""The input gradient of a convolution on one channel, as a matrix product and a col2im."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@contextmanager
def thin(module: nn.Module) -> Iterator[None]:
    """If the module is a plain Conv2d on one channel, on a CPU and frozen, it computes this way inside.

    oneDNN's kernel for that gradient is its slowest: on grey images it takes longer than the whole rest
    of a narrow net. From two channels on it is no slower than this.
    """
    if not (isinstance(module, nn.Conv2d) and _fits(module)):
        yield
        return
    module.forward = partial(_forward, module)  # type: ignore[method-assign]  # of this object alone
    try:
        yield
    finally:
        del module.forward


def _fits(module: nn.Conv2d) -> bool:
    return (
        type(module) is nn.Conv2d
        and module.in_channels == 1
        and module.padding_mode == "zeros"
        and not isinstance(module.padding, str)
        and module.weight.device.type == "cpu"
        and not module.weight.requires_grad
        and "forward" not in vars(module)
    )


def _forward(conv: nn.Conv2d, x: Tensor) -> Tensor:
    return ThinConv.apply(x, conv)  # type: ignore[no-any-return]


class ThinConv(torch.autograd.Function):
    """conv(x) for x (B, 1, H, W); its gradient in x sums W^T g over the windows that a pixel is in."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, conv: nn.Conv2d) -> Tensor:
        ctx.conv, ctx.size = conv, x.shape[2:]
        ctx.save_for_backward(conv.weight)
        return F.conv2d(x, conv.weight, conv.bias, conv.stride, conv.padding, conv.dilation)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, None]:  # type: ignore[override]
        conv, (w,) = ctx.conv, ctx.saved_tensors
        windows = torch.matmul(w.flatten(1).T, g.flatten(2))  # (B, kernel's pixels, places)
        return F.fold(windows, ctx.size, conv.kernel_size, conv.dilation, conv.padding, conv.stride), None
