"""One defence against one attack, as `mvm.audit.score.score` makes it and a run's folder keeps it: plain data."""

from typing import Any

Cell = dict[str, Any]
