"""What the cells of one defender say about each other.

E01, E06 to E08, E11, E12, E15, E17 to E19, E22, E24, E34, E35.
"""

from collections.abc import Iterator

import numpy as np

from mvm.audit.bits import unpack
from mvm.audit.cell import Cell
from mvm.audit.checks.at_least import at_least
from mvm.audit.checks.verdict import FAIL, WARN, Check, judge
from mvm.audit.paired import from_counts

ORDER = [  # (id, stronger, weaker): wherever the weaker one's images are allowed to the stronger one
    ("E06", "ifgsm", "fgsm"),
    ("E06", "pgd", "fgsm"),
    ("E06", "ifgsm", "fgsm_box"),
    ("E06", "pgd", "fgsm_box"),
    ("E06", "autoattack", "fgsm_box"),
    ("E08", "pgd", "attnet"),
    ("E08", "pgd", "attnet_best"),
    ("E08", "pgd", "attnet_risk"),
    ("E08", "pgd", "attnet_folded"),
    ("E08", "pgd", "attnet_folded_conv"),
    ("E08", "pgd", "own"),
    ("E19", "attnet_best", "attnet"),
    ("E19", "attnet_best", "own"),
]
GIVE_BACK = ("autoattack",)  # such attacks leave the images as they were that they cannot break
LEARNED = ("attnet", "attnet_best", "attnet_risk", "attnet_folded", "attnet_folded_conv", "own")


def cell_checks(cells: dict[str, Cell], *, adversarially_trained: bool = True) -> list[Check]:
    """All rules on {attack: cell} of one defender at one eta."""
    rules = (of_itself, reaches, converged, masked)
    out = [check for cell in cells.values() for rule in rules for check in rule(cell)]
    for id, stronger, weaker in ORDER:
        usable = usable_bits(cells[stronger], cells[weaker]) if stronger in cells and weaker in cells else None
        if usable is not None:
            text = f"{stronger} breaks fewer images than {weaker}, whose images it may use"
            out.append(at_least(id, text, bits(cells[stronger]), usable, attack=stronger))
    for name in LEARNED:
        if name in cells and "pgd" in cells and contains(cells[name], cells["pgd"]):
            text = f"weak attacker: {name} is far below PGD, whose images it may give"
            pair = bits(cells[name]), bits(cells["pgd"])
            out.append(at_least("E34", text, *pair, slack=0.05, verdict=WARN, attack=name))
    clean, noise = cells.get("none"), cells.get("noise")
    for name, cell in cells.items():
        if name in ("none", "noise") or carried_over(cell):
            continue
        if noise and contains(cell, noise):
            out.append(at_least("E07", f"{name} is below random noise", bits(cell), bits(noise), attack=name))
        if clean and adversarially_trained and clean["examples"] == cell["examples"]:
            text = "adversarial error below clean error: label leak, not robustness"
            out.append(at_least("E15", text, bits(cell), bits(clean), attack=name))
    out.append(judge("E22", "noise" not in cells, "no random-noise control", verdict=WARN))
    hashes = {cell["examples"] for cell in cells.values()}
    out.append(judge("E24", len(hashes) > 1, "cells were scored on different images or labels", hashes=sorted(hashes)))
    return out


def bits(cell: Cell) -> np.ndarray:
    return unpack(cell["wrong"], cell["n"])


def carried_over(cell: Cell) -> bool:
    """Whether the images were made on another classifier: a sample set such as FGSM1, no worst case for this one."""
    return "source" in cell["settings"]


def contains(stronger: Cell, weaker: Cell) -> bool:
    """Whether every image that the weaker attack may give is also allowed to the stronger one, on the same images."""
    allowed = stronger["eta"] >= weaker["eta"] and (weaker["box"] or not stronger["box"])
    return allowed and stronger["examples"] == weaker["examples"]


def usable_bits(stronger: Cell, weaker: Cell) -> np.ndarray | None:
    """What the weaker attack's images break, if these, or what the box leaves of them, are the stronger's too."""
    if contains(stronger, weaker):
        return bits(weaker)
    if "wrong_boxed" in weaker and contains(stronger, weaker | {"box": True}):
        return unpack(weaker["wrong_boxed"], weaker["n"])
    return None


def of_itself(cell: Cell) -> Iterator[Check]:
    """E01 feasible, E17 one class answered, E18 dead or collapsed, E19 how many networks were tried."""
    name, clean = cell["attack"], cell["attack"] == "none"
    why = cell.get("infeasible")
    yield judge("E01", bool(why), f"left the threat model: {why}", attack=name)
    share = max(cell["predicted"]) / cell["n"]
    bad, verdict = (share > 0.5, FAIL) if clean else (share > 0.9, WARN)
    yield judge("E17", bad, "one class is answered nearly everywhere", verdict=verdict, attack=name, share=share)
    if not clean and not why and name not in GIVE_BACK:
        yield judge(
            "E18", cell["reach"] < 0.5, "dead attacker: it hardly moves the images", attack=name, reach=cell["reach"]
        )
    if name in LEARNED:
        text = "collapsed attacker: nearly the same perturbation for every image"
        yield judge("E18", cell["spread"] < 0.05, text, verdict=WARN, attack=name, spread=cell["spread"])
        tried = len(cell.get("report", {}).get("members", [1]))
        yield judge(
            "E19", tried < 5, "fewer than 5 networks tried: a lower bound", verdict=WARN, attack=name, tried=tried
        )


def reaches(cell: Cell) -> Iterator[Check]:
    """E12: steps x step size lets an iterated attack cross the ball."""
    settings = cell["settings"]
    if settings.get("step") is not None and "steps" in settings:
        way = settings["steps"] * settings["step"]
        need = cell["eta"] * (2 if "restarts" in settings else 1)
        yield judge("E12", way < need, "too few steps to cross the ball", attack=cell["attack"], way=way, need=need)


def converged(cell: Cell) -> Iterator[Check]:
    """E11: the second half of a network's training changes the error on validation images by less than half a point.

    Warns only where 0 is outside of the 95 % interval of the paired difference, too. Not tried on PGD that starts
    from a network, whose score is PGD's, nor on cells of older versions.
    """
    found = cell.get("report", {}).get("doubled")
    if not found or "steps" in cell["settings"]:
        return
    change, low, high = from_counts(found["gained"], found["lost"], found["n"])
    bad = abs(change) >= 0.005 and not low <= 0 <= high
    text = f"the second half of the training of {cell['attack']} changes the error"
    numbers = {"change": change, "low": low, "high": high, **found}
    yield judge("E11", bad, text, verdict=WARN, attack=cell["attack"], **numbers)


def masked(cell: Cell) -> Iterator[Check]:
    """E35: AutoAttack's Square, which asks for answers only, breaks next to nothing that its gradients left.

    A fifth of a percent of the images, as in AutoAttack's own warning. Not tried unless Square came after others, nor
    on cells of older versions.
    """
    broken = cell.get("report", {}).get("broken", {})
    by_gradient = {name for name in broken if name not in ("clean", "square")}
    if "square" in broken and by_gradient and list(broken)[-1] == "square":
        text = "Square, without gradients, breaks what gradients do not: they may be masked, the error is a lower bound"
        bad = broken["square"] > 0.002 * cell["n"]
        yield judge("E35", bad, text, verdict=WARN, attack=cell["attack"], **broken)
