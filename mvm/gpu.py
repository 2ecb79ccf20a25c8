"""In what precision a GPU multiplies float32 numbers. Without one, nothing here does anything."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def tf32(on: bool = True) -> Iterator[None]:
    """Inside, products and convolutions round their factors to TF32, 10 bits of mantissa, several times as fast.

    For training; never for scoring, where it could decide whether an image is misclassified.
    """
    matmul, conv = torch.backends.cuda.matmul, torch.backends.cudnn
    was = matmul.allow_tf32, conv.allow_tf32
    try:
        matmul.allow_tf32 = conv.allow_tf32 = on
        yield
    finally:
        matmul.allow_tf32, conv.allow_tf32 = was
