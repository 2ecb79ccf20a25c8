"""The defender's best response to an attacker that stays as it is, u*(v) of Eq. (18)."""

import copy

import torch
from torch import Tensor, nn

from mvm.attacks.attack import Progress
from mvm.attacks.attacked import evaluating
from mvm.data.batches import batches
from mvm.errors import UserError
from mvm.leader_follower import Player, descend
from mvm.numbers import check_positive, check_whole
from mvm.risk import risk


def best_defence(
    defender: nn.Module,
    attacker: nn.Module,
    x: Tensor,
    y: Tensor,
    *,
    iterations: int,
    lambda_: float = 1e-3,
    batch_size: int = 128,
    seed: int = 0,
    progress: Progress | None = None,
) -> nn.Module:
    """A copy of `defender` after `iterations` Adam steps down f(u, v), the rate falling to 0; v fixed.

    Started from the defender itself, so that it ends no worse on the training set, up to the noise of
    mini-batches. Its risk is an upper bound of min_u f(u, v). Raises `UserError` for settings that train nothing.
    """
    try:
        check_whole(iterations=iterations, batch_size=batch_size)
        check_positive(lambda_=lambda_)
    except ValueError as why:
        raise UserError(f"audit.defence: {why}") from why
    u = copy.deepcopy(defender).train().requires_grad_(True)
    adam = torch.optim.Adam(u.parameters(), lr=lambda_)
    player = Player(list(u.parameters()), adam)
    with evaluating(attacker), torch.enable_grad():
        for i, (xs, ys) in zip(range(iterations), batches(x, y, batch_size, seed), strict=False):
            adam.param_groups[0]["lr"] = lambda_ * (1 - i / iterations)
            with torch.no_grad():
                z = attacker(xs, ys)
            f = risk(u(z), ys)
            descend(f, player)
            if progress and i % 20 == 0:
                progress(i, iterations, f"risk {f.item():.3f}")
    return u.eval()
