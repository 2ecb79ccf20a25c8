"""Small problems: most have answers known in closed form."""

import torch
from torch import Tensor, nn


class Linear(nn.Module):
    """g(x; u) = W flatten(x) + b: gradients, best attacks and their losses can be written down."""

    def __init__(self, pixels: int = 6, classes: int = 3, dtype: torch.dtype = torch.float64) -> None:
        super().__init__()
        self.layer = nn.Linear(pixels, classes, dtype=dtype)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x.flatten(1))


class Smooth(nn.Module):
    """A tiny net with non-zero second derivatives everywhere, for finite differences."""

    def __init__(self, pixels: int = 6, classes: int = 3) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Flatten(),
            nn.Linear(pixels, 5, dtype=torch.float64),
            nn.Softplus(),
            nn.Linear(5, classes, dtype=torch.float64),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)


class SmoothAttacker(nn.Module):
    """z(x; v) = x + eta tanh(A flatten(x) + one row a label): an AttNet without kinks and dropout."""

    def __init__(self, pixels: int = 6, classes: int = 3, eta: float = 0.3) -> None:
        super().__init__()
        self.eta = eta
        self.a = nn.Linear(pixels, pixels, dtype=torch.float64)
        self.b = nn.Embedding(classes, pixels, dtype=torch.float64)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return x + self.eta * torch.tanh(self.a(x.flatten(1)) + self.b(y)).view_as(x)


class Net(nn.Module):
    """A small image classifier with everything an attack could disturb: dropout, batch norm, modes."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(1, 4, 5, stride=3),
            nn.BatchNorm2d(4),
            nn.ReLU(),
            nn.Flatten(),
            nn.Dropout(0.5),
            nn.Linear(256, 10),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)


def images(n: int = 7, shape: tuple[int, ...] = (1, 2, 3), classes: int = 3) -> tuple[Tensor, Tensor]:
    """Random images in [-1, 1], float64, and labels."""
    generator = torch.Generator().manual_seed(1)
    x = torch.rand(n, *shape, generator=generator, dtype=torch.float64) * 2 - 1
    return x, torch.randint(0, classes, (n,), generator=generator)


def some_images(n: int = 12) -> tuple[Tensor, Tensor]:
    """Random images of MNIST's size in [-1, 1], and labels."""
    generator = torch.Generator().manual_seed(3)
    return torch.rand(n, 1, 28, 28, generator=generator) * 2 - 1, torch.arange(n) % 10


def numeric_gradient(f, parameters: list[Tensor], h: float = 1e-5) -> list[Tensor]:
    """Central differences of a closure in each entry of its parameters."""
    out = []
    for p in parameters:
        g = torch.zeros_like(p)
        flat, g_flat = p.data.view(-1), g.view(-1)
        for i in range(flat.numel()):
            middle = flat[i].item()
            flat[i] = middle + h
            high = f().item()
            flat[i] = middle - h
            low = f().item()
            flat[i] = middle
            g_flat[i] = (high - low) / (2 * h)
        out.append(g)
    return out
