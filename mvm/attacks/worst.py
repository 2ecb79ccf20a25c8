"""Of several perturbations of the same images, the worst for the classifier, per image."""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor


class Worst:
    """z: the worst perturbed images offered so far; loss, wrong: the classifier's on them, (B,).

    A misclassified one is worse than any other; between equals the larger loss decides.
    """

    def __init__(self, z: Tensor, loss: Tensor, wrong: Tensor) -> None:
        self.z, self.loss, self.wrong = z, loss, wrong

    def offer(self, z: Tensor, loss: Tensor, wrong: Tensor) -> Tensor:
        """Take what is worse; returns where that was so, (B,)."""
        taken = (wrong & ~self.wrong) | ((wrong == self.wrong) & (loss > self.loss))
        self.z = torch.where(wide(taken, z), z, self.z)
        self.loss, self.wrong = torch.where(taken, loss, self.loss), self.wrong | wrong
        return taken


Attempt = Callable[[Tensor, Tensor], Worst]  # on images x with labels y


def worst_of(attempts: Iterable[Attempt], x: Tensor, y: Tensor) -> Tensor:
    """Each attempt gets only the images that none before it has broken, so that later ones cost less.

    An image once broken stays broken, and its result does not depend on its batch if the attempts' do not.
    """
    none = torch.zeros(len(x), dtype=torch.bool, device=x.device)
    out = Worst(x, torch.full((len(x),), -torch.inf, dtype=x.dtype, device=x.device), none)
    for attempt in attempts:
        left = (~out.wrong).nonzero().squeeze(1)
        if not len(left):
            break
        now = attempt(x[left], y[left])
        z, loss, wrong = out.z.clone(), out.loss.clone(), none.clone()
        z[left], loss[left], wrong[left] = now.z, now.loss, now.wrong
        out.offer(z, loss, wrong)
    return out.z


def wide(per_image: Tensor, x: Tensor) -> Tensor:
    """(B,) in a shape that broadcasts over images like x."""
    return per_image.view(-1, *[1] * (x.dim() - 1))
