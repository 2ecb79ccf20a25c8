"""Adversarial images of a classifier that stays as it is: made once, then looked up."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from mvm.attacks.attack import Attack
from mvm.data.images import Images
from mvm.games.game import Game
from mvm.graphed import alike


class Remembered:
    """perturb(x, y), and the same at every later epoch without its gradients.

    A mini-batch that holds an image not met before is made as a whole: so each z comes out of a mini-batch of the
    same size, and is the same to the bit as if it were made again, if the processor's kernels treat all rows of a
    mini-batch alike (an EPYC's do). Keeps a float32 copy of the training images: 0.17 GB of MNIST, 0.55 GB of CIFAR-10.
    """

    def __init__(self, data: Images, perturb: Callable[[Tensor, Tensor], Tensor]) -> None:
        self.data, self.perturb = data, perturb
        self.z, self.known = torch.empty_like(data.train.x), torch.zeros(len(data.train.y), dtype=torch.bool)

    def __call__(self, iteration: int, x: Tensor, y: Tensor) -> Tensor:
        """z for the mini-batch (x, y) of an iteration: as x, detached."""
        images = self.data.images_of(iteration)
        if not self.known[images].all():
            self.z[images] = self.perturb(x, y)
            self.known[images] = True
        return self.z[images]


def remembered(game: Game, against: Attack, iterations: int) -> Remembered | None:
    """For so many iterations with one and the same target; None where each image is to be made again.

    So it is if the attack starts at random or does not say that it treats all images alike, if no image comes
    back as it was, and on a GPU, which replays the attack with the step (`mvm.graphed`).
    """
    data: Any = game.trainer.datamodule  # type: ignore[attr-defined]  # Lightning's own attribute, without a type
    if not isinstance(data, Images) or data.augment or data.train.x.is_cuda:
        return None
    if not alike(against) or hasattr(against, "seed"):
        return None
    return Remembered(data, game.perturb) if iterations > len(data.train.y) // data.batch_size else None
