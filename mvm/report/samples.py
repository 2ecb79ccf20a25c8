"""The images of Figure 4, from the pictures kept beside the scores."""

import io
from dataclasses import dataclass

import numpy as np

from mvm.report.records import Entry, Score
from mvm.report.tables import labels


@dataclass(frozen=True)
class Panel:
    """images: ten, (H, W) or (H, W, 3), in [0, 1]; answers: what the attacked classifier says of them.

    letter: its place in the paper's figure.
    """

    letter: str
    label: str
    eta: float
    images: list[np.ndarray]
    labels: list[int]
    answers: list[int]


# (label, game whose run has it, attack): (a) to (g) of Figure 4. `own` is a game's own attacker as it ended.
PANELS = (
    ("Original", "undefended", "none"),
    ("FGSM1", "undefended", "fgsm"),
    ("fgsm80", "undefended", "fgsm80"),
    ("IFGSM1", "undefended", "ifgsm"),
    ("Minimax", "minimax", "own"),
    ("Alt", "alt", "own"),
    ("Maximin", "maximin", "own"),
)


def panels(entries: list[Entry]) -> list[Panel]:
    """Those of the seven attacks that were run, in the paper's order; of the eta and seed that have most of them."""
    of: dict[tuple[float, int], list[tuple[str, str, Entry, Score]]] = {}
    for letter, (label, game, attack) in zip("abcdefg", PANELS, strict=True):
        for entry in entries:
            if entry.game == game and attack in entry.scores and entry.scores[attack].pictures.exists():
                of.setdefault((entry.eta, entry.seed), []).append((letter, label, entry, entry.scores[attack]))
    best = max(sorted(of), key=lambda which: len(of[which]), default=None)
    told = labels(entries)
    return [_panel(a, told.get(b, b), entry.eta, score) for a, b, entry, score in of[best]] if best else []


def _panel(letter: str, label: str, eta: float, score: Score) -> Panel:
    with score.pictures.open("rb") as file, np.load(io.BytesIO(file.read())) as kept:
        pixels = (kept["z"].astype(np.float32).clip(-1, 1) + 1) / 2  # (10, C, H, W)
        images = [image[0] if len(image) == 1 else image.transpose(1, 2, 0) for image in pixels]
        return Panel(letter, label, eta, images, kept["y"].tolist(), kept["answers"].tolist())
