"""The paper's CIFAR-10 classifier (Appendix B): TensorFlow's tutorial network without normalisation."""

import torch
from torch import nn

from mvm.classifiers.width import scaled


class CIFAR10Net(nn.Sequential):
    """conv 5x5x64, pool, conv 5x5x64, pool, fully connected 384 and 192, 10 logits; ReLU between.

    The tutorial's local response normalisation is removed, as in the paper, and its 24 x 24 crops are
    not used. Pooling is 3x3 with stride 2, padded at the right and bottom only, as TensorFlow's SAME,
    and before the ReLU: the same function, and a fourth of the work.
    `width` scales all four layers. Images (B, 3, 32, 32) in [-1, 1]; 1,756,426 parameters at full width.
    """

    def __init__(self, width: float = 1.0) -> None:
        c, h1, h2 = (scaled(n, width) for n in (64, 384, 192))
        super().__init__(
            nn.Conv2d(3, c, 5, padding=2),
            nn.MaxPool2d(3, 2, ceil_mode=True),
            nn.ReLU(),
            nn.Conv2d(c, c, 5, padding=2),
            nn.MaxPool2d(3, 2, ceil_mode=True),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(c * 8 * 8, h1),
            nn.ReLU(),
            nn.Linear(h1, h2),
            nn.ReLU(),
            nn.Linear(h2, 10),
        )
        self.to(memory_format=torch.channels_last)
