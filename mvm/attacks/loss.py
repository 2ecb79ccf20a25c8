"""What an attack climbs: a loss of each image, (B,), from logits (B, C) and true labels (B,)."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

ImageLoss = Callable[[Tensor, Tensor], Tensor]


def cross_entropy(logits: Tensor, y: Tensor) -> Tensor:
    """l(g(z), y) of Eq. (3), one number an image."""
    return F.cross_entropy(logits, y, reduction="none")


def margin(logits: Tensor, y: Tensor) -> Tensor:
    """Largest wrong logit minus the true one (Carlini & Wagner, 2017): positive where the answer is wrong.

    Its gradient does not vanish where the classifier is sure, as the cross-entropy's does.
    """
    others = logits.scatter(1, y[:, None], -torch.inf)
    return others.amax(1) - logits.gather(1, y[:, None]).squeeze(1)


def dlr(logits: Tensor, y: Tensor) -> Tensor:
    """Difference of logits ratio (Croce & Hein, 2020, Eq. (6)): the margin over (1st - 3rd largest logit).

    It does not change when all logits are scaled or shifted. ValueError for fewer than three classes.
    """
    if logits.shape[1] < 3:
        raise ValueError(f"loss=dlr needs three classes or more, and here are {logits.shape[1]}: use loss=margin")
    top = logits.topk(3, dim=1).values
    return margin(logits, y) / (top[:, 0] - top[:, 2] + 1e-12)


LOSSES: dict[str, ImageLoss] = {"cross_entropy": cross_entropy, "margin": margin, "dlr": dlr}


def choose_loss(name: str) -> ImageLoss:
    if name not in LOSSES:
        raise ValueError(f"loss={name!r}: must be one of {', '.join(LOSSES)}")
    return LOSSES[name]
