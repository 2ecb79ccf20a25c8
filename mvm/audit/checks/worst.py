"""The worst case over all attacks scored, image by image: E21."""

import numpy as np

from mvm.audit.bits import pack, unpack
from mvm.audit.cell import Cell
from mvm.audit.checks.verdict import Check, judge
from mvm.audit.wilson import wilson

NAME = "worst"


def worst_case(cells: dict[str, Cell]) -> Cell | None:
    """A cell of the images that any of the attacks breaks; None where nothing but clean images were scored.

    Boxed only if every attack was: it is the worst within the largest threat model of the row.
    """
    scored = {name: cell for name, cell in cells.items() if cell["attack"] != "none"}
    if not scored or len({cell["examples"] for cell in cells.values()}) > 1:
        return None
    wrong = np.logical_or.reduce([unpack(cell["wrong"], cell["n"]) for cell in cells.values()])
    n, count = len(wrong), int(wrong.sum())
    low, high = wilson(count, n)
    return {
        "attack": NAME,
        "eta": max(cell["eta"] for cell in scored.values()),
        "box": all(cell["box"] for cell in scored.values()),
        "error": count / n,
        "n": n,
        "ci_low": low,
        "ci_high": high,
        "wrong": pack(wrong),
        "examples": next(iter(cells.values()))["examples"],
        "settings": {},
    }


def pointwise(cells: dict[str, Cell], worst: Cell) -> Check:
    """E21: what is shown over several attacks is the worst for every image, as no mean over attacks can be.

    The images counted are those that some attack breaks, all of them and no others.
    """
    union = np.logical_or.reduce([unpack(cell["wrong"], cell["n"]) for cell in cells.values()])
    largest = max(cell["error"] for cell in cells.values())
    same = np.array_equal(union, unpack(worst["wrong"], worst["n"])) and worst["error"] == union.mean()
    text = "the worst case is not the union of what the attacks break"
    return judge("E21", not same, text, attack=NAME, worst=worst["error"], union=union.mean().item(), largest=largest)
