"""Mini-batches as a function of (seed, iteration), so that a resumed run sees the same ones."""

import itertools
from collections.abc import Iterator

import torch
from torch import Tensor

from mvm.data.augment import STILL, Augment
from mvm.errors import UserError
from mvm.seeding import derive

Batch = tuple[Tensor, Tensor]  # images (B, C, H, W) in [-1, 1], labels (B,)


BLOCK = 10  # iterations
AHEAD = 64  # mini-batches gathered at once on a GPU


def blocks_together(blocks: object, device: torch.device) -> int:
    """How many blocks become one: on a GPU, where 10 iterations take no longer than Lightning's bookkeeping, the
    largest number up to 10 that divides `blocks`, which is how many there are between two checkpoints."""
    if device.type == "cpu" or not isinstance(blocks, int):
        return 1
    return max(k for k in range(1, 11) if blocks % k == 0)


def batches(
    x: Tensor, y: Tensor, batch_size: int, seed: int, start: int = 0, augment: Augment = STILL
) -> Iterator[Batch]:
    """The mini-batches of iterations start, start + 1, ...: without end, each epoch in a new order.

    The order of epoch e, and how `augment` moves its images, are functions of (seed, e). An epoch leaves its
    incomplete last batch out.
    """
    per_epoch = len(x) // batch_size
    if per_epoch < 1:
        raise UserError(f"batch_size={batch_size}: there are only {len(x)} training images")
    for epoch in itertools.count(start // per_epoch):
        order = order_of(epoch, len(x), seed).to(x.device)
        draws = augment.draw(len(x), derive(seed, epoch, 1))
        ahead = 1 if x.device.type == "cpu" else AHEAD
        for i in range(start % per_epoch, per_epoch, ahead):
            part = slice(i * batch_size, min(i + ahead, per_epoch) * batch_size)
            images, labels = augment(x[order[part]], draws[part]), y[order[part]]
            yield from zip(images.split(batch_size), labels.split(batch_size), strict=True)
        start = 0


def order_of(epoch: int, n: int, seed: int) -> Tensor:
    """The numbers of n images, (n,) int64, as that epoch takes them."""
    return torch.randperm(n, generator=torch.Generator().manual_seed(derive(seed, epoch)))


def images_of(iteration: int, n: int, batch_size: int, seed: int) -> Tensor:
    """The numbers, of n images, of those that `batches` gives at an iteration: (batch_size,) int64."""
    epoch, i = divmod(iteration, n // batch_size)
    return order_of(epoch, n, seed)[i * batch_size : (i + 1) * batch_size]


class Blocks:
    """Iterations [start, stop) in blocks: what Lightning sees as one batch is a list of `size` mini-batches.

    Lightning's bookkeeping, a few hundred microseconds a batch, is thereby paid once a block.
    """

    def __init__(
        self,
        x: Tensor,
        y: Tensor,
        *,
        batch_size: int,
        seed: int,
        start: int,
        stop: int,
        size: int = BLOCK,
        augment: Augment = STILL,
    ) -> None:
        self.x, self.y, self.batch_size, self.seed, self.augment = x, y, batch_size, seed, augment
        self.lengths = [min(size, stop - i) for i in range(start, stop, size)]
        self.start = start

    def __len__(self) -> int:
        return len(self.lengths)

    def __iter__(self) -> Iterator[list[Batch]]:
        stream = batches(self.x, self.y, self.batch_size, self.seed, self.start, self.augment)
        for length in self.lengths:
            yield list(itertools.islice(stream, length))


class Chunks:
    """All images once and in order, `size` at a time."""

    def __init__(self, x: Tensor, y: Tensor, size: int) -> None:
        self.x, self.y = x.split(size), y.split(size)

    def __len__(self) -> int:
        return len(self.x)

    def __iter__(self) -> Iterator[Batch]:
        return iter(zip(self.x, self.y, strict=True))
