"""The base of every data set: whole sets as tensors resident on the device, no workers, no PIL."""

from abc import abstractmethod
from copy import copy
from typing import Any, NamedTuple, Self

import pytorch_lightning as pl
import torch
from torch import Tensor

from mvm.data.augment import Augment
from mvm.data.batches import BLOCK, Blocks, Chunks, images_of
from mvm.numbers import check_whole

CHUNK = 500  # images scored at once


def chunk(x: Tensor) -> int:
    """How many images like x are scored at once: a GPU would be idle with few, and need 2 GB for more of CIFAR-10."""
    return 4 * CHUNK if x.is_cuda else CHUNK


class Split(NamedTuple):
    """x: (N, C, H, W) in [-1, 1]; y: (N,) int64; unit: (N,) change of a [0, 1] pixel per unit of x."""

    x: Tensor
    y: Tensor
    unit: Tensor

    def select(self, index: Tensor) -> "Split":
        return Split(self.x[index], self.y[index], self.unit[index])

    def to(self, device: torch.device) -> "Split":
        return Split(self.x.to(device), self.y.to(device), self.unit.to(device))

    def spaced(self, images: int) -> Tensor:
        """The numbers of so many of the images, at equal distances: a data set may be in the order of its labels."""
        n = len(self.y)
        return torch.arange(min(images, n), device=self.y.device) * n // min(images, n)

    def chunks(self) -> Chunks:
        """In order, every image once: for scoring."""
        return Chunks(self.x, self.y, chunk(self.x))


class Images(pl.LightningDataModule):
    """A data set split in train, val and test.

    `val` images, chosen by a fixed rule that no seed changes, are cut from the training set; whatever
    selects or monitors uses them, and the test set only scores. `seed` orders the mini-batches. `shift` (pixels)
    and `flip` move and mirror the images that a game trains on at random (`mvm.data.augment`); attack networks that
    score are trained on those as they are, and nothing else ever sees others. The paper does neither.
    """

    def __init__(
        self, *, batch_size: int = 128, val: int = 5000, seed: int = 0, shift: int = 0, flip: bool = False
    ) -> None:
        super().__init__()
        check_whole(batch_size=batch_size, val=val)
        self.batch_size, self.seed, self.n_val = batch_size, seed, val
        self.augment = Augment(shift, flip)
        self.block = BLOCK  # iterations that Lightning sees as one batch
        self._loaded = False

    @abstractmethod
    def load(self) -> tuple[Split, Split]:
        """Read the training and the test set. Raises `UserError` naming what is missing."""

    def setup(self, stage: str | None = None) -> None:
        """Read and split the data, once; within a Trainer, move them to its device."""
        if not self._loaded:
            train, self.test = self.load()
            order = torch.randperm(len(train.x), generator=torch.Generator().manual_seed(0))
            self.val = train.select(order[: self.n_val])
            self.train = train.select(order[self.n_val :].sort().values)
            self._loaded = True
        if self.trainer is not None:
            self.to(self.trainer.strategy.root_device)

    def tested_on(self, images: int | None) -> Self:
        """The same data, with so many of the test images, at equal distances; itself where these are all, or None."""
        if images is None or images >= len(self.test.y):
            return self
        fewer = copy(self)  # the whole set stays for the next
        fewer.test = self.test.select(self.test.spaced(images))
        return fewer

    def to(self, device: torch.device) -> None:
        """Move all three splits to the device on which they then stay."""
        self.train, self.val, self.test = self.train.to(device), self.val.to(device), self.test.to(device)

    def train_dataloader(self) -> Blocks:
        """The blocks from the game's current iteration to its last: a Lightning epoch takes some of them."""
        assert self.trainer is not None
        game: Any = self.trainer.lightning_module
        return Blocks(
            self.train.x,
            self.train.y,
            batch_size=self.batch_size,
            seed=self.seed,
            start=game.iteration,
            stop=game.iterations,
            size=self.block,
            augment=self.augment,
        )

    def images_of(self, iteration: int) -> Tensor:
        """Which images of `train` an iteration's mini-batch is made of: (batch_size,) int64."""
        return images_of(iteration, len(self.train.y), self.batch_size, self.seed)

    def val_dataloader(self) -> Chunks:
        """The first 1,000 validation images: enough to watch a run by."""
        return self.val.select(torch.arange(min(1000, len(self.val.x)))).chunks()
