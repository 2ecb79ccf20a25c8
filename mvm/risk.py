"""The risk that both players fight over."""

import torch.nn.functional as F
from torch import Tensor


def risk(logits: Tensor, y: Tensor) -> Tensor:
    """Eq. (3): f(u, Z) = 1/N sum_i l(g(z_i; u), y_i), with l the cross-entropy. A scalar.

    logits: g(Z; u), shape (N, classes); y: labels, shape (N,).
    """
    return F.cross_entropy(logits, y)
