"""K attack networks of the paper's shape, evaluated as one: their weights are stacked in batched matmuls."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class AttNetStack(nn.Module):
    """h_1 ... h_K: image and one-hot label -> 3 layers of `hidden` ReLU units -> one output p a pixel.

    dropout: the rate of each of the K networks, after every hidden layer, in training mode.
    The last layer starts at a hundredth of torch's initialisation: p begins near 0, where tanh has a slope.
    x: (B, *shape), y: (B,); p: (K, B, *shape).
    """

    dropout: Tensor

    def __init__(
        self, shape: tuple[int, ...], dropout: Sequence[float], *, hidden: int = 300, classes: int = 10
    ) -> None:
        super().__init__()
        self.classes, self.K, self.drops = classes, len(dropout), any(dropout)
        self.register_buffer("dropout", torch.tensor(dropout).view(-1, 1, 1))
        pixels = math.prod(shape)
        widths = [pixels + classes, hidden, hidden, hidden, pixels]
        self.weights, self.biases = nn.ParameterList(), nn.ParameterList()
        for i, (a, b) in enumerate(pairwise(widths)):
            small = 0.01 if i == len(widths) - 2 else 1.0
            bound = small / math.sqrt(a)  # nn.Linear's
            self.weights.append(torch.empty(self.K, a, b).uniform_(-bound, bound))
            self.biases.append(torch.empty(self.K, 1, b).uniform_(-bound, bound))

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """p of the K members, (K, B, ...), for images x (B, ...) with labels y (B,)."""
        label = F.one_hot(y, self.classes).to(x.dtype)
        h = torch.cat([x.flatten(1), label], dim=1).expand(self.K, -1, -1)
        last = len(self.weights) - 1
        for i, (w, b) in enumerate(zip(self.weights, self.biases, strict=True)):
            h = torch.baddbmm(b, h, w)  # (K, B, width)
            if i < last:
                h = self._drop(h.relu())
        return h.view(self.K, *x.shape)

    def _drop(self, h: Tensor) -> Tensor:
        if not self.training or not self.drops:
            return h
        return h * (torch.rand_like(h) >= self.dropout) / (1 - self.dropout)

    def load_attnet(self, k: int, state: dict[str, Tensor]) -> None:
        """Member k gets the weights of an `mvm.attacks.attnet.AttNet`'s state dict."""
        with torch.no_grad():
            for i, (w, b) in enumerate(zip(self.weights, self.biases, strict=True)):
                w[k].copy_(state[f"h.{3 * i}.weight"].T)
                b[k, 0].copy_(state[f"h.{3 * i}.bias"])

    def select(self, members: Sequence[int]) -> Self:
        """A stack of these members only, with their weights."""
        chosen = object.__new__(type(self))
        nn.Module.__init__(chosen)
        chosen.classes, chosen.K = self.classes, len(members)
        chosen.register_buffer("dropout", self.dropout[list(members)])
        chosen.drops = bool(chosen.dropout.any())
        chosen.weights = nn.ParameterList(w.detach()[list(members)].clone() for w in self.weights)
        chosen.biases = nn.ParameterList(b.detach()[list(members)].clone() for b in self.biases)
        return chosen
