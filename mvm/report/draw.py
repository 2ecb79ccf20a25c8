"""The figures as PNG and SVG, with axes, units and legends that need no caption."""

from functools import partial
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure as Canvas

from mvm.report.samples import Panel
from mvm.report.series import COLOURS, Figure
from mvm.whole import write_whole

MARKS = "osD^vPX"
matplotlib.rcParams["svg.hashsalt"] = "mvm"  # the same figure gives the same file


def draw(figure: Figure, panels: list[Panel], to: Path) -> bool:
    """Write to/<name>.png and .svg; where nothing was run False, and no figure of an earlier report stays."""
    canvas = _samples(panels) if figure.kind == "samples" else _lines(figure)
    if canvas is None:
        for suffix in ("png", "svg"):
            (to / f"{figure.name}.{suffix}").unlink(missing_ok=True)
        return False
    for suffix, more in (("png", {"dpi": 160}), ("svg", {"metadata": {"Date": None}})):
        save = partial(canvas.savefig, format=suffix, bbox_inches="tight", **more)
        write_whole(to / f"{figure.name}.{suffix}", save)
    return True


def _lines(figure: Figure) -> Canvas | None:
    if not figure.series:
        return None
    canvas = Canvas(figsize=(6.4, 3.8))
    axes = canvas.subplots()
    for i, series in enumerate(figure.series):
        x, y = np.array(series.points).T
        style: dict[str, Any] = {"color": COLOURS[i % len(COLOURS)], "marker": MARKS[i % len(MARKS)], "markersize": 4}
        linestyle = "none" if figure.kind == "rounds" and len(x) > 20 else "-"
        axes.plot(x, y, label=series.label, linewidth=1.5, linestyle=linestyle, **style)
        for one in series.each:
            axes.plot(*np.array(one).T, alpha=0.35, linestyle="none", **style | {"markersize": 2})
    ylim = -0.02 * figure.top, 1.02 * figure.top
    axes.set(xlabel=figure.x, ylabel=figure.y, ylim=ylim, title=f"{figure.caption}, {figure.family}")
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1.01, 1))
    return canvas


def _samples(panels: list[Panel]) -> Canvas | None:
    """A row an attack, a column a class; the answer stands under each image, orange where it is wrong."""
    if not panels:
        return None
    rows, columns = len(panels), len(panels[0].images)
    canvas = Canvas(figsize=(1 + 0.8 * columns, 0.95 * rows))
    for panel, line in zip(panels, canvas.subplots(rows, columns, squeeze=False), strict=True):
        for c, axes in enumerate(line):
            axes.imshow(panel.images[c], cmap="gray", vmin=0, vmax=1)
            axes.set(xticks=[], yticks=[])
            colour = "#D55E00" if panel.answers[c] != panel.labels[c] else "black"
            axes.set_xlabel(str(panel.answers[c]), color=colour, fontsize=7, labelpad=1)
            if c == 0:
                axes.set_ylabel(f"({panel.letter}) {panel.label}", rotation=0, ha="right", va="center", fontsize=8)
    title = (
        f"Images at η = {panels[0].eta:g}, clipped to the pixel range. Below: the answer, orange where it is wrong,\n"
        "of the undefended classifier in (a) to (d), else of the defender of that game"
    )
    canvas.suptitle(title, fontsize=9, y=0.96)
    return canvas
