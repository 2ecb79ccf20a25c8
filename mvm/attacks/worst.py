"""Of several perturbations of the same images, the worst for the classifier, per image."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

ALL = slice(None)


class Worst:
    """z: the worst perturbed images offered so far; loss, wrong: the classifier's on them, (B,).

    A misclassified one is worse than any other; between equals the larger loss decides.
    """

    def __init__(self, z: Tensor, loss: Tensor, wrong: Tensor) -> None:
        self.z, self.loss, self.wrong = z.clone(), loss.clone(), wrong.clone()

    def offer(self, z: Tensor, loss: Tensor, wrong: Tensor, at: Tensor | slice = ALL) -> None:
        """Take what is worse. at: which images they are of, if not of all."""
        was = self.wrong[at]
        taken = (wrong & ~was) | ((wrong == was) & (loss > self.loss[at]))
        self.z[at] = torch.where(wide(taken, z), z, self.z[at])
        self.loss[at] = torch.where(taken, loss, self.loss[at])
        self.wrong[at] = was | wrong


Attempt = Callable[[Tensor, Tensor], Worst]  # on images x with labels y


def worst_of(attempts: Sequence[Attempt], x: Tensor, y: Tensor) -> Tensor:
    """Each attempt gets only the images that none before it has broken, so that later ones cost less.

    An image once broken stays broken, and its result does not depend on its batch if the attempts' do not.
    """
    if len(attempts) == 1:  # which a GPU can replay: how many images are left, it would have to ask
        return attempts[0](x, y).z
    none = torch.zeros(len(x), dtype=torch.bool, device=x.device)
    out = Worst(x, torch.full((len(x),), -torch.inf, dtype=x.dtype, device=x.device), none)
    for attempt in attempts:
        left = (~out.wrong).nonzero().squeeze(1)
        if not len(left):
            break
        now = attempt(x[left], y[left])
        out.offer(now.z, now.loss, now.wrong, left)
    return out.z


def wide(per_image: Tensor, x: Tensor) -> Tensor:
    """(B,) in a shape that broadcasts over images like x."""
    return per_image.view(-1, *[1] * (x.dim() - 1))
