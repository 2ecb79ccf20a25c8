"""What is measured at every checkpoint beside a game's own errors, on a few validation images."""

import torch
from torch import Tensor, nn

from mvm.attacks.attack import Attack, wrong
from mvm.attacks.attacked import attacked, evaluating
from mvm.attacks.pgd import PGD
from mvm.risk import risk
from mvm.sensitivity import squared_norm

IMAGES, STEPS = 100, 10


def pgd_error(defender: nn.Module, like: Attack, x: Tensor, y: Tensor) -> Tensor:
    """The share of x's first 100 that PGD of 10 steps breaks, within the threat model of the attack `like`.

    Beside the error under the game's own attack it shows a defender that resists this one and no other (E16).
    No random number is drawn: PGD's start is a function of the image.
    """
    x, y = x[:IMAGES], y[:IMAGES]
    with torch.enable_grad():
        z = PGD(eta=like.eta, box=like.box, steps=STEPS)(defender, x, y)
    return wrong(defender, z, y).float().mean()


def sensitivity(defender: nn.Module, attacker: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    """||df/dv||^2 at (u, v) as they stand, without dropout, on x's first 100: what Eq. (16) penalises."""
    x, y = x[:IMAGES], y[:IMAGES]
    with attacked(defender), evaluating(attacker), torch.enable_grad():
        f = risk(defender(attacker(x, y)), y)
        return squared_norm(torch.autograd.grad(f, list(attacker.parameters()), materialize_grads=True))
