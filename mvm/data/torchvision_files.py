"""Opening torchvision's files: present, downloaded, or one clear error."""

import os
from pathlib import Path
from typing import Any

from mvm.errors import UserError
from mvm.lock import alone


def open_files(files: Any, root: str | None, *, sizes: tuple[int, int]) -> tuple[Any, Any]:
    """The training and the test set of a torchvision data set class, checked to hold `sizes` images.

    root: the folder of torchvision's layout; None means the environment variable MVM_DATA, else ./data.
    What is missing is downloaded where there is a network. Raises `UserError` otherwise, and for
    truncated files.
    """
    folder = Path(root or os.environ.get("MVM_DATA") or "data").expanduser()
    try:
        pair = _read(files, folder, download=False)
    except Exception as missing:  # torchvision raises a different type for each way to be broken
        try:
            with alone(folder / ".download"):  # two jobs of a sweep would write the same files
                pair = _read(files, folder, download=True)
        except Exception as why:
            raise UserError(_advice(files, folder, f"{missing}; download: {why}")) from why
    found = tuple(len(part.data) for part in pair)
    if found != sizes or any(len(part.data) != len(part.targets) for part in pair):
        raise UserError(_advice(files, folder, f"it holds {found} images, not {sizes}"))
    return pair


def _read(files: Any, folder: Path, *, download: bool) -> tuple[Any, Any]:
    return files(str(folder), train=True, download=download), files(str(folder), train=False, download=download)


def _advice(files: Any, folder: Path, why: str) -> str:
    why = " ".join(why.split())
    return (
        f"cannot read {files.__name__} in {folder.absolute()} ({why}). Delete what is broken there and put "
        "torchvision's files there, or name their folder with MVM_DATA=DIR or data.root=DIR, or use data=mnist5k, "
        "which needs no files"
    )
