"""What can be seen from the classifier alone, on a few images: E02 to E05, E28."""

import torch
from torch import Tensor, nn

from mvm.attacks.gradient import climb
from mvm.attacks.loss import cross_entropy, margin
from mvm.audit.checks.verdict import FAIL, WARN, Check, judge

MODAL = (nn.modules.batchnorm._BatchNorm, nn.modules.dropout._DropoutNd)


def eval_mode(classifier: nn.Module) -> Check:
    """E02: no dropout or batch norm is in train mode, as the classifier is handed over."""
    names = [name for name, m in classifier.named_modules() if isinstance(m, MODAL) and m.training]
    return judge("E02", bool(names), "dropout or batch norm in train mode", modules=names)


@torch.no_grad()
def deterministic(classifier: nn.Module, x: Tensor) -> Check:
    """E03: two forward passes agree to 1e-4, relative to the largest logit."""
    a, b = classifier(x), classifier(x)
    difference = ((a - b).abs().max() / (1 + a.abs().max())).item()
    return judge(
        "E03", not difference <= 1e-4, "two forward passes differ: the defence is random", difference=difference
    )


@torch.no_grad()
def logits(classifier: nn.Module, x: Tensor) -> Check:
    """E04: the outputs are logits, finite, and not probabilities (rows in [0, 1] that sum to 1)."""
    out = classifier(x)
    finite = bool(torch.isfinite(out).all())
    rows = (out >= 0).all(1) & (out <= 1).all(1) & ((out.sum(1) - 1).abs() < 1e-4)
    share = rows.float().mean().item()
    return judge("E04", share == 1 or not finite, "outputs are probabilities or not finite", probabilities=share)


def connected(classifier: nn.Module, x: Tensor) -> Check:
    """E28: the logits depend on the images x in autograd's graph, so that a gradient reaches the raw input.

    Preprocessing that is not part of the graph (in numpy, under no_grad) leaves white-box attacks blind.
    """
    with torch.enable_grad():
        z = x.detach().requires_grad_(True)
        logits = classifier(z)
        reached = logits.requires_grad and torch.autograd.grad(logits.sum(), z, allow_unused=True)[0] is not None
    return judge("E28", not reached, "no gradient reaches the images: preprocessing outside of the graph")


def gradients(classifier: nn.Module, x: Tensor, y: Tensor) -> Check:
    """E05: of the images answered rightly, whose input gradient is zero or not finite, for the losses attacked.

    Over 1 % warns, over 10 % fails: a gradient attack then has nothing to follow. Images that are already
    misclassified do not count, nor does a classifier that gets nothing right.
    """
    shares = {}
    for loss in (cross_entropy, margin):
        seen = climb(classifier, x, y, loss)
        g = seen.gradient.flatten(1)
        dead = ((g == 0).all(1) | ~torch.isfinite(g).all(1))[~seen.wrong]
        shares[loss.__name__] = dead.float().mean().item() if len(dead) else 0.0
    worst = max(shares.values())
    verdict = FAIL if worst > 0.1 else WARN
    return judge("E05", worst > 0.01, "zero input gradients: masked", verdict=verdict, shares=shares)


def defender_checks(classifier: nn.Module, x: Tensor, y: Tensor) -> list[Check]:
    """E02 to E05 and E28, of a classifier in the mode in which it is evaluated."""
    return [
        eval_mode(classifier),
        connected(classifier, x[:1]),
        deterministic(classifier, x),
        logits(classifier, x),
        gradients(classifier, x, y),
    ]
