"""The gradient of a convolution on an image of few channels in that image, on a CPU."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

LANES = 16  # channels that a convolution of oneDNN makes at once, in float32


def thin(conv: nn.Conv2d) -> bool:
    """Whether `image_gradient` knows the convolution, and is there to be faster."""
    reach = [k - 1 for k in conv.kernel_size]
    return (
        4 * conv.in_channels <= LANES
        and conv.groups == 1
        and conv.padding_mode == "zeros"
        and not isinstance(conv.padding, str)
        and all(p <= r for p, r in zip(conv.padding, reach, strict=True))
        and conv.stride == conv.dilation == (1, 1)
        and conv.weight.device.type == "cpu"
    )


def image_gradient(conv: nn.Conv2d, g: Tensor) -> Tensor:
    """d<g, conv(x)>/dx, for g (B, C', H', W') like conv(x); differentiable.

    It is a convolution of g with as few output channels as the image has, for which oneDNN has slow kernels
    only. We compute s x s neighbouring pixels as so many channels, by a kernel larger by s - 1 in steps of s.
    More multiplications, by zeros, and 2 to 4 times less time on the paper's nets.
    """
    c, (h, w) = conv.in_channels, conv.kernel_size
    s = 4 if 16 * c <= LANES else 2
    flipped = conv.weight.flip(2, 3).transpose(0, 1)  # (C, C', h, w)
    shifted = [F.pad(flipped, (j, s - 1 - j, i, s - 1 - i)) for i in range(s) for j in range(s)]
    kernel = torch.stack(shifted, 1).flatten(0, 1).contiguous(memory_format=torch.channels_last)
    assert thin(conv) and not isinstance(conv.padding, str)
    up, left = (k - 1 - p for k, p in zip(conv.kernel_size, conv.padding, strict=True))
    height, width = g.shape[2] + 2 * up - h + 1, g.shape[3] + 2 * left - w + 1
    if width % s or height % s:
        g = F.pad(g, (0, -width % s, 0, -height % s))
    x = F.pixel_shuffle(F.conv2d(g, kernel, stride=s, padding=(up, left)), s)
    return x[:, :, :height, :width]
