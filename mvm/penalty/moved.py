"""Tensors moved in place for a while."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor


@contextmanager
def moved(tensors: Sequence[Tensor], directions: Sequence[Tensor], step: float | Tensor) -> Iterator[None]:
    """Inside, each tensor is tensor + step * direction; outside it is what it was, bit by bit."""
    before = [t.detach().clone() for t in tensors]
    with torch.no_grad():
        for t, d in zip(tensors, directions, strict=True):
            t.add_(step * d)
    try:
        yield
    finally:
        with torch.no_grad():
            for t, old in zip(tensors, before, strict=True):
                t.copy_(old)
