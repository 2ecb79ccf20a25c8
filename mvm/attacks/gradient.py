"""One forward and one backward pass of a per-image attack."""

from typing import NamedTuple

import torch
from torch import Tensor

from mvm.attacks.attack import Classifier
from mvm.attacks.loss import ImageLoss


class Seen(NamedTuple):
    """Of each image: the loss (B,), whether the answer is wrong (B,), and d loss / dz."""

    loss: Tensor
    wrong: Tensor
    gradient: Tensor


def climb(classifier: Classifier, z: Tensor, y: Tensor, loss: ImageLoss) -> Seen:
    """The loss at z and its gradient, of each image as if it were alone (the sum is differentiated)."""
    with torch.enable_grad():
        z = z.detach().requires_grad_(True)
        logits = classifier(z)
        value = loss(logits, y)
        (gradient,) = torch.autograd.grad(value.sum(), z)
    return Seen(value.detach(), logits.detach().argmax(1) != y, gradient)
