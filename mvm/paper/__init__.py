"""The paper's printed numbers, names and claims, as data. An illegible cell is empty and says what the print shows."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent


@cache
def read(name: str) -> Any:
    """mvm/paper/<name>.yaml: tables, names, contradictions, claims, figures."""
    return yaml.safe_load((HERE / f"{name}.yaml").read_text())
