"""The learned attack that gets stuck neither at its ball and box nor at a sure defender: that of `recipe=best`."""

from typing import Any

import torch
from torch import Tensor

from mvm.attacks.attnet import AttNet, AttNetAttack
from mvm.attacks.attnet_best import ARCHITECTURES
from mvm.attacks.attnet_conv import AttNetConv
from mvm.attacks.recipe import Recipe
from mvm.threat import middle


class AttNetFolded(AttNet):
    """z(x; v) = mid + half tanh(p(x, y; v)), which climbs a gain of its own: `loss`, `cap` and `penalty` are those of
    `mvm.attacks.recipe.Recipe`.

    mid, half: middle and half width of what each pixel may become, ball and box together; without the box this is
    the paper's network with our output map. The last layer starts at a hundredth of torch's initialisation. The literal
    network's tanh saturates, and then every image gets the same perturbation: `penalty` mean(p^2) keeps it from
    that. Where the defender is sure of itself the risk has no gradient left; the margin, the default, has.
    architecture: mlp, the paper's 3 x `hidden`; or conv, `mvm.attacks.attnet_conv`, which knows nothing of `hidden`.
    """

    climbs_f = False

    def __init__(
        self,
        shape: tuple[int, ...],
        *,
        eta: float,
        loss: str = "margin",
        cap: float = 5.0,
        penalty: float = 0.03,
        dropout: float = 0.0,
        architecture: str = "mlp",
        **attnet: Any,
    ) -> None:
        if architecture not in ARCHITECTURES:
            raise ValueError(f"architecture={architecture!r}: must be one of {', '.join(ARCHITECTURES)}")
        super().__init__(shape, eta=eta, dropout=dropout, **attnet)
        self.recipe = Recipe(loss=loss, cap=cap, penalty=penalty)
        self.last = torch.zeros(0)  # p of the last forward pass
        if architecture == "conv":
            self.h = AttNetConv(shape, dropout=dropout, classes=self.classes)
            return
        with torch.no_grad():
            for parameter in list(self.h.parameters())[-2:]:  # the last layer's
                parameter.mul_(0.01)

    def p(self, x: Tensor, y: Tensor) -> Tensor:
        return self.h(x, y) if isinstance(self.h, AttNetConv) else super().p(x, y)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        self.last = self.p(x, y)
        mid, half = middle(x, self.eta, box=self.box)
        return mid + half * torch.tanh(self.last)

    def gain(self, logits: Tensor, y: Tensor) -> Tensor:
        """What v climbs, once for every forward pass: the penalty is of the last one's p."""
        p, self.last = self.last, torch.zeros(0)  # a network that holds a graph could not be copied
        return self.recipe.gain(logits, y, p)


class AttNetFoldedAttack(AttNetAttack):
    """The attack of an `AttNetFolded`, trained by ascent on its gain."""

    network = AttNetFolded
