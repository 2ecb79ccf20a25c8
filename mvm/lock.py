"""One process at a time: two jobs of a sweep may need the same run at once."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mvm.terminal import say


@contextmanager
def alone(name: Path) -> Iterator[None]:
    """Hold the lock file `name`, waiting for whoever holds it, which is said.

    The system lets go of it when a process ends, however it ends. The empty file stays: deleting it
    would let two processes hold two files of one name.
    """
    name.parent.mkdir(parents=True, exist_ok=True)
    with open(name, "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another process, which works on {name.name}")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
