"""MNIST: 60,000 training and 10,000 test images of handwritten digits, 1 x 28 x 28."""

from typing import Any

import torch
from torchvision.datasets import MNIST as Files

from mvm.data.images import Images, Split
from mvm.data.torchvision_files import open_files


class MNIST(Images):
    """Pixels 0..255 rescaled to [-1, 1]. Read from torchvision's layout under `root`."""

    def __init__(self, *, root: str | None = None, **images: Any) -> None:
        super().__init__(**images)
        self.root = root

    def load(self) -> tuple[Split, Split]:
        train, test = open_files(Files, self.root, sizes=(60_000, 10_000))
        return _split(train), _split(test)


def _split(files: Files) -> Split:
    x = files.data.unsqueeze(1).float() / 127.5 - 1
    return Split(x, files.targets.long(), torch.full((len(x),), 0.5))
