"""In what precision a GPU multiplies float32 numbers. Where there is none, nothing here does anything."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import torch


@contextmanager
def tf32(on: bool = True) -> Iterator[None]:
    """Inside, products and convolutions round their factors to TF32, 10 bits of mantissa, up to 1.6 times as fast.

    For training; never for scoring, where it could decide whether an image is misclassified.
    """
    if not a_gpu_is_here():
        yield
        return
    was = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    try:
        torch.set_float32_matmul_precision("high" if on else "highest")
        torch.backends.cudnn.allow_tf32 = on
        yield
    finally:
        torch.set_float32_matmul_precision(was[0])
        torch.backends.cudnn.allow_tf32 = was[1]


@cache
def a_gpu_is_here() -> bool:
    return torch.cuda.is_available()
