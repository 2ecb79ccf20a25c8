"""What a process is told once before it computes on a CPU. None of it changes a result."""

import ctypes
import os
import sys
from collections.abc import Callable


def share_cores() -> None:
    """To be called before torch is imported: OpenMP's threads soon sleep when they wait, if its variables say nothing.

    By itself a thread that is done with its part of an operation turns round 300,000 times before it sleeps, and takes
    the core from those that it waits for where other programs want it, too: docs/performance.md.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", "3000")


def settle() -> None:
    """To be called after Lightning was imported, and before large tensors are made."""
    keep_memory()
    # Lightning sets this when imported. Where no GPU is, every step of Adam then looks for the driver's library: 0.2 ms
    os.environ.pop("PYTORCH_NVML_BASED_CUDA_CHECK", None)


def keep_memory() -> bool:
    """Have the C library keep freed memory for the next tensor; False where it is not glibc, which does without.

    By itself glibc gives large blocks back to the system and asks for them anew, those of 32 MiB and more always:
    a page fault for every 4 KiB of every map of the CIFAR-10 net, a quarter of its step.
    """
    mallopt = _glibc("mallopt")
    if mallopt is None:
        return False
    trim_threshold, mmap_max = -1, -4  # mallopt(3)
    return bool(mallopt(trim_threshold, -1) and mallopt(mmap_max, 0))


def give_back() -> None:
    """Return the memory that `keep_memory` keeps: between the runs of a sweep, or it grows with the largest of them."""
    trim = _glibc("malloc_trim")
    if trim is not None:
        trim(0)


def _glibc(function: str) -> Callable[..., int] | None:
    return getattr(ctypes.CDLL(None), function, None) if sys.platform == "linux" else None
