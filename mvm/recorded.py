"""What the rules say of a run by its record alone, without torch: for the grid of mvm.evaluate and for a report."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mvm.audit.cell import Cell
from mvm.audit.checks.cells import cell_checks
from mvm.audit.checks.curve import Row, overfitting
from mvm.audit.checks.provenance import provenance, unseen
from mvm.audit.checks.verdict import FAIL, Check
from mvm.digest import digest_of
from mvm.record import Run, fingerprint, history, name_of
from mvm.whole import write_text

EDITION = 4  # of the rules that `mvm.inspection` tries on a classifier: findings of an older one are not read
Kept = tuple[dict[str, Any], list[Check]]  # what was asked, and what was found


def checks_of(
    cells: dict[str, Cell], found: list[Check], *, game: dict[str, Any], weights: str, history: Sequence[Row]
) -> list[Check]:
    """Every check on the cells {attack: cell} of one run at one eta.

    found: what the rules' own attacks found on the classifier. game: the settings that it was trained by;
    weights: the hash of what it has now; history: the rows of its history.csv.
    """
    curve = overfitting(history)
    checks = [
        *found,
        *cell_checks(cells, adversarially_trained=name_of(game) != "undefended"),
        *provenance(cells, weights),
        *([curve] if curve else []),
    ]
    out = {check.attack for check in checks if check.verdict == FAIL}
    return [*checks, unseen({name: cell for name, cell in cells.items() if name not in out}, game)]


def judged(run: Run, cells: dict[str, Cell], config: dict[str, Any]) -> list[Check]:
    """`checks_of` a run by its own record: these scores, its curve, and what mvm.evaluate once found on its weights."""
    weights = digest_of(run.defender)
    found = findings_on(all_kept(run.folder), cells, weights=weights, eta=config["eta"])
    return checks_of(cells, found, game=config["game"], weights=weights, history=history(run.history))


def file_of(asked: Mapping[str, Any]) -> str:
    """Within a run's folder, where findings are kept."""
    return f"checks/eta{asked['eta']:g}-{fingerprint(dict(asked))}.json"


def keep(folder: Path, asked: dict[str, Any], found: list[Check]) -> None:
    text = json.dumps({"asked": asked, "found": [check.as_dict() for check in found]}, indent=1) + "\n"
    write_text(folder / file_of(asked), text)


def kept(file: Any) -> Kept | None:
    """What a file of `keep` says, be it in a folder or a zip; None if missing, damaged or of an older edition."""
    try:
        read = json.loads(file.read_text())
        return (read["asked"], [Check(**c) for c in read["found"]]) if read["asked"]["edition"] == EDITION else None
    except (OSError, ValueError, TypeError, KeyError):
        return None


def all_kept(folder: Any) -> list[Kept]:
    """What is kept of every look at a run, in its folder or in that within a zip."""
    checks = folder / "checks"
    files = sorted(checks.iterdir(), key=lambda file: file.name) if checks.exists() else []
    return [found for found in map(kept, (file for file in files if file.name.endswith(".json"))) if found]


def findings_on(looks: Sequence[Kept], cells: dict[str, Cell], *, weights: str, eta: float) -> list[Check]:
    """What was ever found on these weights at this eta; about an attack, only if it is the one in `cells`.

    Several evaluations may have looked (at more images, beside other runs): what one of them failed stays failed.
    """
    out: dict[tuple[str, str, str | None, str], Check] = {}
    for asked, found in looks:
        if (asked["of"], asked["eta"]) != (weights, eta):
            continue
        same = {name for name, settings in asked["iterated"].items() if cells.get(name, {}).get("settings") == settings}
        for c in found:
            if c.attack is None or c.attack in same:
                out.setdefault((c.id, c.text, c.attack, c.verdict), c)
    return list(out.values())
