"""Files that are whole or not there, and weights in them that cannot run code."""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from mvm.errors import UserError


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a temporary file beside `path`, then rename it: a reader never sees half a file.

    Raises `UserError` where the folder cannot be written, or is full; what was at `path` stays.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(temporary)
        os.replace(temporary, path)
    except (OSError, SafetensorError) as why:
        reason = getattr(why, "strerror", None) or str(why)
        raise UserError(f"cannot write {path}: {reason}; outputs=DIR names another output folder") from why
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


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
