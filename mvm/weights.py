"""Weights in files that cannot run code."""

import hashlib
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from mvm.errors import UserError
from mvm.whole import write_whole


def save_weights(module: nn.Module, path: Path) -> None:
    """The module's parameters and buffers as safetensors."""
    weights = {name: w.detach().cpu().contiguous() for name, w in module.state_dict().items()}
    write_whole(path, lambda temporary: save_file(weights, temporary))


def load_weights(module: nn.Module, path: Path) -> None:
    """Fill `module` from a file of `save_weights`. Raises `UserError` if it is missing, damaged or of another net."""
    try:
        module.load_state_dict(load_file(path))
    except (OSError, SafetensorError) as why:
        raise UserError(f"cannot read the weights in {path} ({why}); train that run again with force=true") from why
    except RuntimeError as why:
        raise UserError(f"the weights in {path} are of another network: {' '.join(str(why).split())}") from why


def digest(weights: dict[str, Tensor]) -> str:
    """12 hex digits of the hash of a state dict: names, shapes and values."""
    hashed = hashlib.sha256()
    for name in sorted(weights):
        w = weights[name].detach().cpu().contiguous()
        hashed.update(f"{name} {w.dtype} {tuple(w.shape)}".encode())
        hashed.update(w.numpy().tobytes())
    return hashed.hexdigest()[:12]


def digest_of(path: Path) -> str:
    """`digest` of a file of `save_weights`. Raises `UserError` if it cannot be read."""
    try:
        return digest(load_file(path))
    except (OSError, SafetensorError) as why:
        raise UserError(f"cannot read the weights in {path} ({why}); train that run again with force=true") from why
