"""What a reader should see of an attack of several parts: networks of which one is kept, AutoAttack's components."""

from collections.abc import Iterator

from mvm.audit.cell import Cell


def told(cell: Cell) -> Iterator[str]:
    """Lines: each network's error, then of the one chosen the train-test gap, its spread and the answers to it.

    Of AutoAttack one line: how many images each component was the first to break.
    """
    report = cell.get("report", {})
    if "broken" in report:
        yield ", ".join(f"{name} {images}" for name, images in report["broken"].items()) + f" of {cell['n']} images"
    for m in report.get("members", ()):
        mark = " <- chosen" if m["name"] == report["chosen"] else ""
        errors = f"training {m['train_error']:.4f}, validation {m['val_error']:.4f}"
        yield f"{m['name']:24s} {m['iterations']:6d} iterations, error: {errors}; spread {m['spread']:.2f}{mark}"
        if mark and not cell["settings"].get("start"):  # else the score is that of PGD from there
            gap = m["train_error"] - cell["error"]
            answers = " ".join(map(str, cell["predicted"]))
            yield f"{'':24s} test {cell['error']:.4f} (training - test {gap:+.4f}); answers by class: {answers}"
