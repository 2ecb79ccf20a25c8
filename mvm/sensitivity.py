"""Sensitivities: gradients of the risk with respect to what the attacker controls, and their norms."""

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor


def input_gradient(classifier: Callable[[Tensor], Tensor], z: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """The loss l(g(z_i), y_i) of each image, (N,), and its gradient dl_i/dz_i, shaped like z.

    The sum, not the mean, is differentiated: a gradient does not depend on the batch around it.
    Only the gradient in z is asked for; no parameter's `.grad` is touched. Both are detached.
    """
    with torch.enable_grad():
        z = z.detach().requires_grad_(True)
        loss = F.cross_entropy(classifier(z), y, reduction="none")
        (gradient,) = torch.autograd.grad(loss.sum(), z)
    return loss.detach(), gradient


def squared_norm(gradients: Sequence[Tensor]) -> Tensor:
    """||d||^2 over all the tensors of a gradient together: the penalty of Eqs. (7) and (16) without gamma/2."""
    return torch.stack([g.square().sum() for g in gradients]).sum()


def sensitivity(f: Tensor, wrt: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
    """||df/dw||^2 as a differentiable scalar, and df/dw itself, for w the tensors `wrt`.

    Eq. (7) takes w = Z, Eq. (16) w = v. Differentiating the result again ("reverse over reverse")
    gives the mixed second derivative of Eqs. (6) and (15).
    """
    gradients = list(torch.autograd.grad(f, list(wrt), create_graph=True, materialize_grads=True))
    return squared_norm(gradients), gradients
