"""One forward pass of a per-image attack, with or without its backward pass."""

from typing import NamedTuple

import torch
from torch import Tensor

from mvm.attacks.attack import Classifier
from mvm.attacks.loss import ImageLoss


class Seen(NamedTuple):
    """Of each image: the loss (B,), whether the answer is wrong (B,), and d loss / dz (empty from `look`)."""

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


@torch.no_grad()
def look(classifier: Classifier, z: Tensor, y: Tensor, loss: ImageLoss) -> Seen:
    """What `climb` says at z, but for the gradient: for the last iterate, from which nothing goes on."""
    logits = classifier(z)
    return Seen(loss(logits, y), logits.argmax(1) != y, z.new_empty(0))
