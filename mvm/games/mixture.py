"""The game against several attacks at once, fixed and learned, Eqs. (20) and (21)."""

from functools import partial
from itertools import islice
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mvm.attacks.attack import Attack
from mvm.games.game import Game, Optimizer
from mvm.games.playable import fixed, learned
from mvm.leader_follower import ascend, descend
from mvm.numbers import check_positive, check_whole, number

MIXES = ("dataset", "image", "softmax", "mean")


class Mixture(Game):
    """min_u max{f(u, z_1(u)), ..., max_v f(u, z_{m+1}(u, v)), ...} over the attacks of `members`.

    Fixed members are remade against the current defender at every iteration; each learned one ascends
    on its own risk, Eq. (14), `ascent_steps` times. Then u descends on

    mix="dataset": the largest of the members' mean risks, as printed, but the means are those of the mini-batch;
    mix="image": the mean of every image's largest loss, an upper bound of it;
    mix="softmax": sum_k w_k f_k with w = softmax(f / temperature), a smooth form of the first;
    mix="mean": the average of the members' risks: no game between the members, only with them.

    The maximiser is held fixed while u moves (Danskin), so the first two cost one backward pass. The ascents of an
    iteration are made on other mini-batches of the block, as in `mvm.games.two_player` with ascend_on="other".
    Recorded for each member: its mean risk, and the weight with which it moved the defender.
    """

    trained = ("defender", "attacker")
    alike = True
    warms_up = True

    def __init__(
        self,
        defender: nn.Module,
        *,
        members: dict[str, Attack],
        lambda_: float,
        sigma: float,
        mix: str = "dataset",
        temperature: float = 0.1,
        ascent_steps: int = 1,
        u_optimizer: Optimizer = torch.optim.Adam,
        v_optimizer: Optimizer = torch.optim.Adam,
        **game: Any,
    ) -> None:
        super().__init__(defender, **game)
        check_positive(lambda_=lambda_, sigma=sigma)
        if not members:
            raise ValueError("members=[]: the mixture needs at least one attack, for example members=[fgsm,attnet]")
        if mix not in MIXES:
            raise ValueError(f"mix={mix!r}: must be one of {', '.join(MIXES)}")
        check_whole(ascent_steps=ascent_steps)
        if not number(temperature) or temperature <= 0:
            raise ValueError(f"temperature={temperature}: must be a positive number")
        self.members, self.mix, self.temperature, self.ascent_steps = dict(members), mix, temperature, ascent_steps
        self.attacker = nn.ModuleDict()
        for name, member in members.items():
            if hasattr(member, "net"):
                self.attacker[name] = learned(member)
            else:
                fixed(member, f"members=[{name}]")
        self.lambda_, self.sigma = lambda_, sigma
        self.others = ascent_steps if self.attacker else 0
        self.u_optimizer, self.v_optimizer = u_optimizer, v_optimizer

    def iterate(self, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        """Each learned member's ascents, then one descent on the mixed risk."""
        for index, net in enumerate(self.attacker.values(), start=1):
            v = self.player(net.parameters(), index)
            for batch in islice(self.other_batches(x, y), self.ascent_steps):
                ascend(partial(self.gain, net, *batch), v)
        zs = self.reached(self._attacked(x, y), x)
        with torch.no_grad():
            losses = self._losses(zs, y)
        weights = self.weights(losses)  # (K, B)
        descend(self._mixed(zs, weights, y), self.player(self.defender.parameters()))
        return {
            **{f"risk_{name}": loss.mean() for name, loss in zip(self.members, losses, strict=True)},
            **{f"weight_{name}": weight.sum() for name, weight in zip(self.members, weights, strict=True)},
        }

    def weights(self, losses: Tensor) -> Tensor:
        """The weight of each member on each image, (K, B) summing to 1, from the losses (K, B)."""
        k, b = losses.shape
        if self.mix == "image":
            return F.one_hot(losses.argmax(0), k).T.to(losses) / b
        means = losses.mean(1)
        if self.mix == "dataset":
            return F.one_hot(means.argmax(), k).to(losses)[:, None].expand(k, b) / b
        if self.mix == "mean":
            return torch.full_like(losses, 1 / (k * b))
        return torch.softmax(means / self.temperature, 0)[:, None].expand(k, b) / b

    def _mixed(self, zs: Tensor, weights: Tensor, y: Tensor) -> Tensor:
        """sum_ki weights_ki l(g(z_ki), y_i), with a forward pass for the images that `_used` names only."""
        used, of = self._used(weights)
        z, label, weight = zs[used, of], y[of], weights[used, of]
        logits = self.defender(z)
        value = (weight * F.cross_entropy(logits, label, reduction="none")).sum()
        error = (weight * (logits.detach().argmax(1) != label)).sum()
        self.seen = {"risk": value.detach(), "error": error}
        return value

    def _used(self, weights: Tensor) -> tuple[Tensor, Tensor]:
        """Members and images whose weights (K, B) are not zero, member after member: as many at every iteration.

        Of softmax all, though a weight may be too small for a float32.
        """
        k, b = weights.shape
        if self.mix in ("image", "dataset"):  # one member an image
            worst = weights.argmax(0)
            of = worst.argsort(stable=True)
            return worst[of], of
        every = torch.arange(k * b, device=weights.device)
        return every // b, every % b

    def _attacked(self, x: Tensor, y: Tensor) -> Tensor:
        """Every member's images, (K, B, C, H, W)."""
        return torch.stack([member(self.defender, x, y) for member in self.members.values()])

    def _losses(self, zs: Tensor, y: Tensor) -> Tensor:
        return torch.stack([F.cross_entropy(self.defender(z), y, reduction="none") for z in zs])

    def perturb(self, x: Tensor, y: Tensor) -> Tensor:
        """Each image as attacked by the member of the largest weight; by its own worst for mix="image" and "mean"."""
        zs = self._attacked(x, y)
        with torch.no_grad():
            losses = self._losses(zs, y)
            worst = (losses if self.mix == "mean" else self.weights(losses)).argmax(0)
        return zs[worst, torch.arange(len(x), device=x.device)]

    def remade(self) -> list[Attack]:
        return list(self.members.values())

    def faced(self) -> Attack:
        return max(self.members.values(), key=lambda member: member.eta)  # all have the game's, but for `none`

    def configure_optimizers(self) -> Any:
        u = self.u_optimizer(self.defender.parameters(), lr=self.lambda_)
        return [u, *(self.v_optimizer(net.parameters(), lr=self.sigma) for net in self.attacker.values())]
