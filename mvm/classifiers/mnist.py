"""The paper's MNIST classifier (Appendix A): TensorFlow's tutorial network."""

import torch
from torch import nn

from mvm.classifiers.width import scaled


class MNISTNet(nn.Sequential):
    """conv 5x5x32, pool, conv 5x5x64, pool, fully connected `hidden`, 10 logits; ReLU between.

    Pooling comes before the ReLU: the same function, and a fourth of the work. The tutorial's dropout is
    left out. `width` scales both convolutions and the hidden layer.
    Images (B, 1, 28, 28) in [-1, 1]; 3,274,634 parameters at full width.
    """

    def __init__(self, hidden: int = 1024, width: float = 1.0) -> None:
        a, b, h = (scaled(n, width) for n in (32, 64, hidden))
        super().__init__(
            nn.Conv2d(1, a, 5, padding=2),
            nn.MaxPool2d(2),
            nn.ReLU(),
            nn.Conv2d(a, b, 5, padding=2),
            nn.MaxPool2d(2),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(b * 7 * 7, h),
            nn.ReLU(),
            nn.Linear(h, 10),
        )
        self.to(memory_format=torch.channels_last)
