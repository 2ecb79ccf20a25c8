"""Which rules were not tried on a run for want of something, so that nobody takes their silence for a pass."""

from collections.abc import Iterator, Sequence
from typing import Any

from mvm.audit.cell import Cell
from mvm.audit.checks.curve import Row, overfitting
from mvm.audit.checks.verdict import NOT_TRIED, Check
from mvm.record import name_of

WANTED = {
    "E07": "no undefended run on the same data (but itself), whose adversarial images PGD must beat,",
    "E25": "no undefended run on the same data, which PGD must break,",
    "E31": "no run of the same settings with another seed, whose adversarial images PGD must beat,",
}
# Attacks that note what they had at half of their training
COMPARED = ("attnet.AttNetAttack", "attnet_folded.AttNetFoldedAttack", "attnet_best.AttNetBest")
PLAYED = ("attack", "against", "members")  # where a game has the attacks that its defender learns against


def untried(id: str, runs: str) -> Check:
    """A rule that needs another run, which is not among those that the glob `runs` matches."""
    return Check(id, NOT_TRIED, f"{WANTED[id]} among runs={runs}")


def lacking(cells: dict[str, Cell], game: dict[str, Any], history: Sequence[Row]) -> Iterator[Check]:
    """E11, E14 and E35 of cells {attack: cell}, and E16 of a curve, whose records do not have what these rules need."""
    for name, cell in cells.items():
        settings = cell["settings"]
        trained = (
            name != "own" and str(settings.get("_target_", "")).endswith(COMPARED) and settings.get("iterations", 0) > 1
        )
        report = cell.get("report", {})
        old = f"{name} was scored by an older version; delete {name}-*.json in the run's folder to have it anew"
        if trained and "doubled" not in report:
            yield Check(id="E11", verdict=NOT_TRIED, text=old, attack=name)
        if str(settings.get("_target_", "")).endswith("autoattack.AutoAttack") and "broken" not in report:
            yield Check(id="E35", verdict=NOT_TRIED, text=old, attack=name)
        if settings.get("start"):
            text = f"{name} starts from an attack network, of which only the score is kept"
            yield from (Check(id, NOT_TRIED, text, attack=name) for id in ("E11", "E14"))
    if name_of(game) != "attnet" and any(key in game for key in PLAYED) and overfitting(history) is None:
        text = "trained by an older version, which did not watch PGD; mvm.train force=true trains it again"
        yield Check(id="E16", verdict=NOT_TRIED, text=text)
