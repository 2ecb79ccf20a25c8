"""Files that are whole or not there."""

import os
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from safetensors import SafetensorError

from mvm.errors import UserError


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a temporary file beside `path`, then rename it: a reader never sees half a file.

    Raises `UserError` where the folder cannot be written, or is full; what was at `path` stays.
    """
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")  # two machines may have a process of one number
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


def write_text(path: Path, text: str) -> None:
    """`write_whole` of a text."""
    write_whole(path, lambda temporary: temporary.write_text(text))
