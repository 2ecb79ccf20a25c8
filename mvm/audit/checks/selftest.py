"""A defender that is known to be broken must be flagged, or the checks themselves are: E26."""

import torch
from torch import Tensor, nn

from mvm.audit.checks.defender import gradients
from mvm.audit.checks.verdict import FAIL, Check, judge


class Masked(nn.Module):
    """Quantised input and logits x 1e4: nearly the same answers, no gradient to follow, no more robust."""

    def __init__(self, net: nn.Module, *, quantise: bool = True, scale: float = 1e4) -> None:
        super().__init__()
        self.net, self.quantise, self.scale = net, quantise, scale

    def forward(self, x: Tensor) -> Tensor:
        return self.scale * self.net((x * 4).round() / 4 if self.quantise else x)


def self_test(classifier: nn.Module, x: Tensor) -> Check:
    """E26: E05 fails this very classifier once it is masked; x: a slice of the test images."""
    masked = Masked(classifier)
    with torch.no_grad():
        y = masked(x).argmax(1)  # E05 looks at rightly answered images only
    seen = gradients(masked, x, y)
    return judge("E26", seen.verdict != FAIL, "a masked copy of this net is not flagged: the checks are broken")
