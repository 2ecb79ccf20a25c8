"""The defender's best response to an attacker that stays as it is, u*(v) of Eq. (18)."""

import copy

import torch
from torch import Tensor, nn

from mvm.attacks.attack import Progress
from mvm.attacks.attacked import evaluating
from mvm.data.batches import Batch, batches
from mvm.data.images import chunk
from mvm.errors import UserError
from mvm.leader_follower import Player, descend
from mvm.numbers import check_positive, check_whole
from mvm.risk import risk

LOOKS = 10  # at the validation images on the way


def best_defence(
    defender: nn.Module,
    attacker: nn.Module,
    x: Tensor,
    y: Tensor,
    val: Batch,
    *,
    iterations: int,
    lambda_: float = 1e-3,
    batch_size: int = 128,
    seed: int = 0,
    progress: Progress | None = None,
) -> nn.Module:
    """The best of the defenders on the way down f(u, v) in `iterations` Adam steps, the rate falling to 0; v fixed.

    It starts from `defender`, which stays as it is. The best is that of the smallest risk on `val`, images and labels,
    among the start and `LOOKS` points at equal distances: by the last one it may know the training images by heart and
    be worse on others. Its risk is an upper bound of min_u f(u, v). Raises `UserError` for settings that train nothing.
    """
    _check(iterations, batch_size, lambda_)
    u = copy.deepcopy(defender).train().requires_grad_(True)
    best = copy.deepcopy(u)
    least, every = risk_against(attacker, best, *val), max(1, iterations // LOOKS)
    adam = torch.optim.Adam(u.parameters(), lr=lambda_)
    player = Player(list(u.parameters()), adam)
    with evaluating(attacker), torch.enable_grad():
        for i, (xs, ys) in zip(range(iterations), batches(x, y, batch_size, seed), strict=False):
            adam.param_groups[0]["lr"] = lambda_ * (1 - i / iterations)
            with torch.no_grad():
                z = attacker(xs, ys)
            f = risk(u(z), ys)
            descend(f, player)
            if (i + 1) % every == 0 and (now := risk_against(attacker, u, *val)) < least:
                best, least = copy.deepcopy(u), now
            if progress and i % 20 == 0:
                progress(i, iterations, f"risk {f.item():.3f}")
    return best.eval()


@torch.no_grad()
def risk_against(attacker: nn.Module, u: nn.Module, x: Tensor, y: Tensor) -> float:
    """f(u, v) of images x (N, C, H, W) with labels y (N,), both players as they answer; draws no random number."""
    with evaluating(u, attacker):
        parts = zip(x.split(chunk(x)), y.split(chunk(x)), strict=True)
        return sum(risk(u(attacker(*part)), part[1]).item() * len(part[1]) for part in parts) / len(y)


def _check(iterations: int, batch_size: int, lambda_: float) -> None:
    try:
        check_whole(iterations=iterations, batch_size=batch_size)
        check_positive(lambda_=lambda_)
    except ValueError as why:
        raise UserError(f"audit.defence: {why}") from why
