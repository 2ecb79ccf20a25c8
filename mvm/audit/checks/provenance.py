"""Where a defender's cells come from, and which attacks it was trained on: E20, E23, E27, E29."""

from typing import Any

from mvm.audit.cell import Cell
from mvm.audit.checks.verdict import FAIL, WARN, Check, judge

# Not so controls, attacks made on another net and single steps, which say nothing of robustness
STRONG = ("ifgsm", "pgd", "apgd", "autoattack", "attnet")
FAMILY = {"attnet_best": "attnet", "attnet_folded": "attnet"}  # of one kind: all are attack networks


def kinds(settings: Any) -> set[str]:
    """The kinds of the attacks named anywhere in settings: mvm.attacks.pgd.PGD is `pgd`."""
    found: set[str] = set()
    if isinstance(settings, dict):
        target = str(settings.get("_target_", ""))
        if target.startswith("mvm.attacks."):
            kind = target.split(".")[-2]
            found.add(FAMILY.get(kind, kind))
        settings = list(settings.values())
    for part in settings if isinstance(settings, list) else ():
        found |= kinds(part)
    return found


def unseen(cells: dict[str, Cell], game: dict[str, Any]) -> Check:
    """E20: at least one white-box attack of many steps, or learned, is of a kind that the game did not train on.

    cells: those that no rule of their own has struck. Fails the worst case alone: its number stands as a bound, but
    nobody may call it robustness.
    """
    trained, scored = kinds(game), set()
    for cell in cells.values():
        own = str(cell["settings"].get("_target_", "")).split(".")
        many = any((cell["settings"].get(key) or 0) > 1 for key in ("steps", "iterations"))  # of one of the user's own
        of = {FAMILY.get(kind, kind) for kind in own[-2:-1]}
        scored |= of if many else of & set(STRONG)
    new = sorted(scored - trained)
    text = "no attack was scored that is unseen in training, or none that stands: the worst case is not robustness"
    return judge("E20", not new, text, attack="worst", trained_on=sorted(trained), unseen=new)


def own_weights(cell: Cell, weights: str) -> Check:
    """E23: the cell was made against the weights that the run has now. Older versions' cells do not say: a warning."""
    made = cell.get("weights")
    text = "scored on other weights than the run's" if made else "does not say on which weights it was scored"
    verdict = FAIL if made else WARN
    return judge("E23", made != weights, text, verdict=verdict, attack=cell["attack"], cell=made, run=weights)


def clean_beside(cells: dict[str, Cell]) -> Check:
    """E27: the clean error stands beside the attacked ones."""
    return judge("E27", "none" not in cells, "no clean error beside the others: add none to attacks")


def precision(cell: Cell) -> Check:
    """E29: kept as images of 8 bits a pixel, in float32, the same images break the classifier within a point.

    Those of an attack that stops soon after an image is broken may not, which says nothing of the classifier.
    """
    change = abs(cell["error_8bit"] - cell["error"])
    text = "rounding the images to 8 bits changes the error"
    if cell["settings"].get("stop"):
        text += ": stop=true leaves them not far misclassified, judge by stop=false"
    return judge("E29", change > 0.01, text, verdict=WARN, attack=cell["attack"], change=change, n=cell["n"])


def provenance(cells: dict[str, Cell], weights: str) -> list[Check]:
    """E23, E27 and E29 on {attack: cell} of one defender that has these weights now."""
    out = [clean_beside(cells)]
    for cell in cells.values():
        out.append(own_weights(cell, weights))
        if "error_8bit" in cell:  # not in cells of older versions
            out.append(precision(cell))
    return out
