"""Which weights: a short hash, read without torch."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file

from mvm.errors import UserError


def digest(weights: Mapping[str, np.ndarray]) -> str:
    """12 hex digits of the hash of a state dict: names, shapes and values."""
    hashed = hashlib.sha256()
    for name in sorted(weights):
        w = weights[name]
        hashed.update(f"{name} torch.{w.dtype} {tuple(w.shape)}".encode())  # torch's names of types, as ever
        hashed.update(w.tobytes())
    return hashed.hexdigest()[:12]


def digest_of(path: Path) -> str:
    """`digest` of a file of `mvm.weights.save_weights`. Raises `UserError` if it cannot be read."""
    try:
        return digest(load_file(path))
    except (OSError, SafetensorError) as why:
        raise UserError(f"cannot read the weights in {path} ({why}); train that run again with force=true") from why
