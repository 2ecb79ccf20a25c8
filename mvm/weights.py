"""Weights in files that cannot run code."""

from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from mvm.digest import digest as digest_arrays
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


def digest(module: nn.Module) -> str:
    """`mvm.digest.digest` of the module's parameters and buffers."""
    return digest_arrays({name: w.detach().cpu().numpy() for name, w in module.state_dict().items()})
