"""Whether the images that PGD makes on another net break more here than its own: E07, E31."""

import numpy as np
from torch import Tensor, nn

from mvm.attacks.attack import wrong
from mvm.attacks.pgd import PGD
from mvm.audit.checks.at_least import at_least
from mvm.audit.checks.probe import broken
from mvm.audit.checks.verdict import WARN, Check


def transfer(
    classifier: nn.Module,
    x: Tensor,
    y: Tensor,
    eta: float,
    surrogate: nn.Module | None = None,
    copy: nn.Module | None = None,
) -> list[Check]:
    """Boxed, on images x and labels y of one chunk, against PGD on the cross-entropy and on the margin together.

    surrogate: another net, for E07; copy: the same game's net from another seed, for E31.
    """
    own = broken(classifier, x, y, PGD(eta=eta)) | broken(classifier, x, y, PGD(eta=eta, loss="margin"))

    def theirs(net: nn.Module) -> np.ndarray:
        return wrong(classifier, PGD(eta=eta)(net, x, y), y).cpu().numpy()

    out = []
    if surrogate is not None:
        text = "white-box PGD is below PGD carried over from another net"
        out.append(at_least("E07", text, own, theirs(surrogate)))
    if copy is not None:
        text = "white-box PGD is below PGD carried over from a copy trained with another seed"
        out.append(at_least("E31", text, own, theirs(copy), verdict=WARN))
    return out
