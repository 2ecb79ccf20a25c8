"""Attack networks that are trained together against one classifier."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import torch
from torch import Tensor, nn

from mvm.attacks.attack import Classifier
from mvm.attacks.attacked import evaluating
from mvm.attacks.attnet_stack import AttNetStack
from mvm.attacks.diversity import spread
from mvm.attacks.recipe import Recipe
from mvm.data.batches import Batch
from mvm.data.images import chunk
from mvm.graphed import Graphed, fuse, set_rate
from mvm.leader_follower import Player
from mvm.risk import risk
from mvm.tf32 import tf32
from mvm.threat import middle


@dataclass
class Group:
    """names, recipes: one each of the K members; net: (x, y) -> p, shape (K, B, ...) or, if K = 1, (B, ...)."""

    names: list[str]
    recipes: list[Recipe]
    net: nn.Module
    eta: float
    box: bool

    def perturb(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """z_k = mid + half tanh(p_k), the ball and the box folded into the map; and p. Both (K, B, ...)."""
        p = self.net(x, y).view(len(self.names), *x.shape)
        mid, half = middle(x, self.eta, box=self.box)
        return mid + half * torch.tanh(p), p

    def train(self, classifier: Classifier, stream: Iterator[Batch], rates: Sequence[float]) -> Iterator[Tensor]:
        """One Adam step a rate, on the sum of the members' gains: the members do not touch each other.

        Every member sees the same mini-batch. Yields the sum before each step.
        """
        self.net.train()
        v = list(self.net.parameters())
        adam = torch.optim.Adam(v)
        fuse(adam)
        step = Graphed(partial(self._step, classifier, Player(v, adam)), [adam])
        for rate, (x, y) in zip(rates, stream, strict=False):
            set_rate(adam, rate)
            yield step(x, y)["gain"]

    @tf32()
    def _step(self, classifier: Classifier, player: Player, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        z, p = self.perturb(x, y)
        logits = classifier(z.flatten(0, 1)).view(len(z), len(x), -1)
        gains = [r.gains(logits.index_select(0, k), y, p.index_select(0, k)) for r, k in self._by_recipe.items()]
        total = torch.cat(gains).sum()
        player.move(torch.autograd.grad(total, player.parameters), sign=-1)
        return {"gain": total.detach()}

    @cached_property
    def _by_recipe(self) -> dict[Recipe, Tensor]:
        """{recipe: the numbers of its members}, whose gains are taken together; on the GPU, for a recording."""
        device = next(self.net.parameters()).device
        found = {recipe: [k for k, r in enumerate(self.recipes) if r == recipe] for recipe in self.recipes}
        return {recipe: torch.tensor(members, device=device) for recipe, members in found.items()}

    def measure(self, classifier: Classifier, x: Tensor, y: Tensor) -> list[dict[str, float]]:
        """Error rate, risk and spread of each member on images (x, y)."""
        out = []
        for z, logits in self._answers(classifier, x, y):
            error = (logits.argmax(1) != y).float().mean().item()
            out.append({"error": error, "risk": risk(logits, y).item(), "spread": spread(z - x, self.eta)})
        return out

    def missed(self, classifier: Classifier, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        """{member: which of the images (x, y) it breaks, (N,) bool}."""
        found = [logits.argmax(1) != y for _, logits in self._answers(classifier, x, y)]
        return dict(zip(self.names, found, strict=True))

    @torch.no_grad()
    def _answers(self, classifier: Classifier, x: Tensor, y: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Each member's images (N, ...) and the logits (N, C) for them; draws no random number."""
        with evaluating(self.net):
            parts = [self.perturb(*part)[0] for part in zip(x.split(chunk(x)), y.split(chunk(x)), strict=True)]
        whole = torch.cat(parts, dim=1)  # (K, N, ...)
        return [(z, torch.cat([classifier(part) for part in z.split(chunk(x))])) for z in whole]

    def select(self, members: Sequence[int]) -> "Group":
        """The group of these members only."""
        net = self.net.select(members) if isinstance(self.net, AttNetStack) else self.net
        names, recipes = [self.names[k] for k in members], [self.recipes[k] for k in members]
        return Group(names, recipes, net, self.eta, self.box)
