"""The learned attack with a ball and a box that it cannot be stuck at: the follower of `recipe=best`."""

from typing import Any

import torch
from torch import Tensor

from mvm.attacks.attnet import AttNet, AttNetAttack
from mvm.threat import middle


class AttNetFolded(AttNet):
    """z(x; v) = mid + half tanh(p(x, y; v)), for which the attacker pays toll * mean(p^2).

    mid, half: middle and half width of what each pixel may become, ball and box together; without the box this is
    the paper's network with our output map. The literal network's tanh saturates, and then every image gets
    the same perturbation; the toll keeps p where tanh has a slope. In a game the payoff is f(u, v) - paid: still
    zero-sum, and the defender's gradient is the same. The last layer starts at a hundredth of torch's initialisation.
    paid: what the last forward pass cost, a scalar.
    """

    def __init__(
        self, shape: tuple[int, ...], *, eta: float, dropout: float = 0.0, toll: float = 0.03, **attnet: Any
    ) -> None:
        super().__init__(shape, eta=eta, dropout=dropout, **attnet)
        if not toll >= 0:
            raise ValueError(f"toll={toll}: must be 0 or more")
        self.toll = toll
        with torch.no_grad():
            for parameter in self.h[-1].parameters():
                parameter.mul_(0.01)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        p = self.p(x, y)
        self.paid = self.toll * p.square().mean()
        mid, half = middle(x, self.eta, box=self.box)
        return mid + half * torch.tanh(p)


class AttNetFoldedAttack(AttNetAttack):
    """The attack of an `AttNetFolded`, trained by ascent on f(u, v) - paid."""

    network = AttNetFolded
