"""Ten of an attack's images, kept beside its score, for people to look at."""

from pathlib import Path

import numpy as np
import torch
from torch import nn

from mvm.attacks.attack import Attack
from mvm.attacks.attacked import attacked
from mvm.data.images import Images
from mvm.whole import write_whole


def keep_pictures(path: Path, classifier: nn.Module, attack: Attack, data: Images) -> None:
    """Write path (.npz): x and z (10, C, H, W) float16 for the first test image of each class, and the answers to z."""
    y = data.test.y
    first = torch.stack([(y == c).nonzero()[0, 0] for c in y.unique()])
    x = data.test.x[first]
    with attacked(classifier):  # as it was scored
        z = attack(classifier, x, y[first])
    with torch.no_grad():
        answers = classifier(z).argmax(1)
    arrays = {"x": _small(x), "z": _small(z), "y": y[first].cpu().numpy(), "answers": answers.cpu().numpy()}

    def write(temporary: Path) -> None:
        with open(temporary, "wb") as file:
            np.savez_compressed(file, **arrays)

    write_whole(path, write)


def _small(images: torch.Tensor) -> np.ndarray:
    return images.cpu().numpy().astype(np.float16)
