"""CIFAR-10: 50,000 training and 10,000 test photographs of ten kinds, 3 x 32 x 32."""

from typing import Any

import torch
from torch import Tensor
from torchvision.datasets import CIFAR10 as Files

from mvm.data.images import Images, Split
from mvm.data.torchvision_files import open_files


class CIFAR10(Images):
    """Preprocessed as in Appendix B, see `standardise`; no crops and no flips but by `shift` and `flip`."""

    def __init__(self, *, root: str | None = None, **images: Any) -> None:
        super().__init__(**images)
        self.root = root

    def load(self) -> tuple[Split, Split]:
        train, test = open_files(Files, self.root, sizes=(50_000, 10_000))
        return _split(train), _split(test)


def standardise(pixels: Tensor) -> tuple[Tensor, Tensor]:
    """Appendix B: per image remove the mean, divide by the standard deviation, clip at +-2 sd, halve.

    pixels: (N, C, H, W) in [0, 1]. Returns images in [-1, 1] and the unit of each, (N,): one unit of
    the result is 2 sd of the image's own pixels. A flat image's sd is taken as 1/sqrt(C H W), as
    TensorFlow's per_image_standardization does.
    """
    flat = pixels.flatten(1)
    sd = flat.std(1, correction=0).clamp_min(flat.shape[1] ** -0.5)
    x = (flat - flat.mean(1, keepdim=True)) / sd[:, None]
    return (x.clamp(-2, 2) / 2).reshape(pixels.shape), 2 * sd


def _split(files: Files) -> Split:
    x, unit = standardise(torch.from_numpy(files.data).permute(0, 3, 1, 2).contiguous().float() / 255)
    return Split(x, torch.tensor(files.targets), unit)
