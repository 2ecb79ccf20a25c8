"""Random numbers that are a function of what they are for, not of what was drawn before."""

from typing import Any, TypeVar

import torch
from torch import Tensor

_MASK = (1 << 63) - 1

Seed = TypeVar("Seed", bound=int | Tensor)


def derive(seed: Seed, *keys: int) -> Seed:
    """A seed for (seed, *keys): different keys give unrelated seeds, the same keys the same one.

    seed: a number, or it in an int64 tensor, for recordings (`mvm.graphed.set_seed`); the same is returned.
    """
    state: Any = seed & _MASK
    for key in keys:
        state = (state * 6364136223846793005 + key + 1442695040888963407) & _MASK
        state ^= state >> 29
    return state


def reseed(seed: int, device: torch.device) -> None:
    """torch.manual_seed for the CPU and this device only: what each iteration can afford.

    torch's own also writes down, for every kind of device that is not in use, where in the program it was called,
    should that device come into use: 0.1 to 0.3 ms, by the depth of the stack.
    """
    torch.default_generator.manual_seed(seed)
    if device.type != "cpu":
        torch.get_device_module(device).manual_seed(seed)


def _mix(h: Tensor) -> Tensor:
    """The finaliser of splitmix64 on int64 tensors (arithmetic wraps; right shifts made logical)."""
    h = (h ^ ((h >> 30) & ((1 << 34) - 1))) * -4658895280553007687  # 0xbf58476d1ce4e5b9
    h = (h ^ ((h >> 27) & ((1 << 37) - 1))) * -7723592293110705685  # 0x94d049bb133111eb
    return h ^ ((h >> 31) & ((1 << 33) - 1))


def image_noise(x: Tensor, seed: int | Tensor) -> Tensor:
    """Uniform numbers in [0, 1), one per pixel, as a function of (seed, the image, the pixel's place).

    x: (N, ...) images; seed: as for `derive`. The same image gets the same numbers in every batch, at every place
    in it and on every device, and the global random state is not touched. Counter-based: splitmix64's finaliser
    over a hash of the image's bits.
    """
    flat = x.detach().float().flatten(1)
    place = _mix(torch.arange(flat.shape[1], device=x.device, dtype=torch.int64) * -7046029254386353131)
    bits = flat.contiguous().view(torch.int32).to(torch.int64)
    image = _mix((bits * (place | 1)).sum(1, keepdim=True) + derive(seed, 0))  # (N, 1)
    h = _mix(image + place)
    return (((h >> 40) & 0xFFFFFF).to(torch.float32) / (1 << 24)).reshape(x.shape).to(x.dtype)
