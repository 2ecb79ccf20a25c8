"""Layers of a piecewise linear net as linear maps: what each does around the batch that it has seen."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mvm.image_gradient import image_gradient, thin

ops = torch.ops.aten


class Step(ABC):
    """A layer y = J x + c, c constant. `forward` keeps what J needs; J is then that of this batch."""

    def __init__(self, layer: Any) -> None:
        self.layer = layer

    @abstractmethod
    def forward(self, x: Tensor) -> Tensor:
        """y, as the layer itself computes it."""

    @abstractmethod
    def along(self, t: Tensor) -> Tensor:
        """J t: how y moves as x moves along t."""

    @abstractmethod
    def back(self, d: Tensor) -> Tensor:
        """J^T d: a cotangent of y as one of x."""


class Weighted(Step):
    """A layer with weights W and perhaps a bias. Keeps what it last got: x, its cotangent d, its tangent t."""

    def forward(self, x: Tensor) -> Tensor:
        self.x = x
        y: Tensor = self.layer(x)
        return y

    def along(self, t: Tensor) -> Tensor:
        self.t = t
        return self.times(t)

    def back(self, d: Tensor) -> Tensor:
        self.d = d
        return self.transposed(d)

    @abstractmethod
    def times(self, t: Tensor) -> Tensor:
        """W t."""

    @abstractmethod
    def transposed(self, d: Tensor) -> Tensor:
        """W^T d."""

    @abstractmethod
    def gradients(self, top: Tensor, gamma: float) -> tuple[Tensor, Tensor]:
        """The gradient of <top, W x + b> + gamma <d, W t> in W and in b."""


class Dense(Weighted):
    def times(self, t: Tensor) -> Tensor:
        return F.linear(t, self.layer.weight)

    def transposed(self, d: Tensor) -> Tensor:
        return d @ self.layer.weight

    def gradients(self, top: Tensor, gamma: float) -> tuple[Tensor, Tensor]:
        top, d, x, t = (_rows(one) for one in (top, gamma * self.d, self.x, self.t))
        return torch.cat([top, d]).T @ torch.cat([x, t]), top.sum(0)


def _rows(t: Tensor) -> Tensor:
    """(..., n) as (rows, n): a Linear may be applied to each row of an image."""
    return t.reshape(-1, t.shape[-1])


class Convolution(Weighted):
    """By the ordinary kernels: autograd's second derivative convolves with kernels as large as the image."""

    def times(self, t: Tensor) -> Tensor:
        c = self.layer
        return F.conv2d(t, c.weight, None, c.stride, c.padding, c.dilation, c.groups)

    def transposed(self, d: Tensor) -> Tensor:
        if thin(self.layer):
            return image_gradient(self.layer, d)
        return self._backward(d, self.x, x_weight_bias=[True, False, False])[0]

    def gradients(self, top: Tensor, gamma: float) -> tuple[Tensor, Tensor]:
        _, weight, bias = self._backward(top, self.x, x_weight_bias=[False, True, True])
        _, mixed, _ = self._backward(self.d, self.t, x_weight_bias=[False, True, False])
        return weight + gamma * mixed, bias

    def _backward(self, d: Tensor, x: Tensor, x_weight_bias: list[bool]) -> list[Tensor]:
        c = self.layer
        how = list(c.stride), list(c.padding), list(c.dilation), False, [0, 0], c.groups
        out: list[Tensor] = ops.convolution_backward(d, x, c.weight, [c.out_channels], *how, x_weight_bias)
        return out


class Rectifier(Step):
    def forward(self, x: Tensor) -> Tensor:
        self.y = F.relu(x)
        return self.y

    def along(self, t: Tensor) -> Tensor:
        return ops.threshold_backward(t, self.y, 0)

    def back(self, d: Tensor) -> Tensor:
        return self.along(d)


class MaxPool(Step):
    def forward(self, x: Tensor) -> Tensor:
        m = self.layer
        self.x = x
        self.how = m.kernel_size, m.stride, m.padding, m.dilation, m.ceil_mode
        y, self.index = F.max_pool2d(x, *self.how, return_indices=True)
        return y

    def along(self, t: Tensor) -> Tensor:
        n, c, h, w = self.index.shape
        if self.index.is_contiguous():
            return t.reshape(n, c, -1).gather(2, self.index.view(n, c, -1)).view(n, c, h, w)
        t, index = (a.permute(0, 2, 3, 1).reshape(n, -1, c) for a in (t, self.index))  # channels last
        return t.gather(1, index).view(n, h, w, c).permute(0, 3, 1, 2)

    def back(self, d: Tensor) -> Tensor:
        *sides, ceil = self.how
        pairs = [[side] * 2 if isinstance(side, int) else list(side) for side in sides]
        return ops.max_pool2d_with_indices_backward(d, self.x, *pairs, ceil, self.index)


class Drop(Step):
    def forward(self, x: Tensor) -> Tensor:
        self.kept = F.dropout(torch.ones_like(x), self.layer.p, self.layer.training)
        return x * self.kept

    def along(self, t: Tensor) -> Tensor:
        return t * self.kept

    def back(self, d: Tensor) -> Tensor:
        return self.along(d)


class Flat(Step):
    def forward(self, x: Tensor) -> Tensor:
        self.like = torch.empty_like(x)  # for its shape and memory format
        return self.along(x)

    def along(self, t: Tensor) -> Tensor:
        y: Tensor = self.layer(t)
        return y

    def back(self, d: Tensor) -> Tensor:
        return torch.empty_like(self.like).copy_(d.view(self.like.shape))


STEPS: dict[type[nn.Module], Callable[[Any], Step]] = {
    nn.Linear: Dense,
    nn.Conv2d: Convolution,
    nn.ReLU: Rectifier,
    nn.MaxPool2d: MaxPool,
    nn.Dropout: Drop,
    nn.Flatten: Flat,
}
