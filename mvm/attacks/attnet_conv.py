"""A convolutional attack network: an encoder-decoder that is told the label."""

import torch
from torch import Tensor, nn


class AttNetConv(nn.Module):
    """Image -> two halvings -> label added -> two doublings, with skips -> one output p a pixel.

    Not in the paper, whose networks are fully connected; "an autoencoder of a fixed architecture" is its
    example of an attack class (Sec. 4.1). The label enters at the coarsest scale as a learned map of its
    own, so that where to paint may depend on the class.
    x: (B, C, H, W) with H and W divisible by 4, y: (B,); p like x.
    """

    def __init__(self, shape: tuple[int, ...], *, width: int = 16, classes: int = 10, dropout: float = 0.0) -> None:
        super().__init__()
        c, height, breadth = shape
        if height % 4 or breadth % 4:
            raise ValueError(f"images of {height} x {breadth}: AttNetConv halves twice, so both must be multiples of 4")
        a, b = width, 2 * width
        self.coarse = (2 * b, height // 4, breadth // 4)
        self.down1 = nn.Conv2d(c, a, 4, stride=2, padding=1)
        self.down2 = nn.Conv2d(a, b, 4, stride=2, padding=1)
        self.label = nn.Embedding(classes, 2 * b * (height // 4) * (breadth // 4))
        self.middle1 = nn.Conv2d(b, 2 * b, 3, padding=1)
        self.middle2 = nn.Conv2d(2 * b, b, 3, padding=1)
        self.up2 = nn.ConvTranspose2d(2 * b, a, 4, stride=2, padding=1)
        self.up1 = nn.ConvTranspose2d(2 * a, a, 4, stride=2, padding=1)
        self.out = nn.Conv2d(a + c, c, 3, padding=1)
        self.dropout = nn.Dropout(dropout)
        with torch.no_grad():
            for w in self.out.parameters():
                w.mul_(0.01)
            self.label.weight.mul_(0.1)
        self.to(memory_format=torch.channels_last)  # on a CPU a step takes four fifths of the time

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        h1 = self.down1(x).relu()
        h2 = self.down2(h1).relu()
        told = self.middle1(h2) + self.label(y).view(-1, *self.coarse)
        h = self.dropout(self.middle2(told.relu()).relu())
        h = self.up2(torch.cat([h, h2], 1)).relu()
        h = self.up1(torch.cat([h, h1], 1)).relu()
        return self.out(torch.cat([h, x], 1))
