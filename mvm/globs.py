"""Settings that name files by a glob, or by a list of globs."""

from collections.abc import Sequence
from typing import Any


def globs(setting: Any) -> list[str]:
    """One glob or several, each as text, even where Hydra read a number; never none: [] comes to the empty glob."""
    several = setting if isinstance(setting, Sequence) and not isinstance(setting, str) else [setting]
    return [str(one) for one in several] or [""]
