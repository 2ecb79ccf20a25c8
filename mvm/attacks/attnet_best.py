"""The best response: many attack networks, of which the worst for the classifier is kept."""

from collections.abc import Sequence
from functools import partial
from itertools import chain
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from mvm.attacks.attack import Attack, Classifier, Progress
from mvm.attacks.attacked import attacked, evaluating
from mvm.attacks.attnet_conv import AttNetConv
from mvm.attacks.attnet_group import Group
from mvm.attacks.attnet_stack import AttNetStack
from mvm.attacks.doubled import doubled
from mvm.attacks.recipe import Recipe
from mvm.data.batches import Batch, batches
from mvm.numbers import check_positive, check_whole
from mvm.seeding import derive

ARCHITECTURES = ("mlp", "conv")
FEW = 1000  # validation images that choose who goes on: the members differ by far more than so many can hide


class AttNetBest(Attack):
    """v*(u) of Eq. (10) as well as we can find it: recipes x architectures x restarts.

    `fit` trains every member for a share `trial` of the iterations at rate sigma, lets the `keep` best of each
    architecture on the first 1,000 validation images go on, with a new Adam and the rate falling to 0, and keeps the
    one with the largest validation error; with by="risk", the largest validation risk, Eq. (3), which is what the games
    are played for. Any number found so is a lower bound of what the class can do. Of each architecture: against a
    robust defender the fully connected ones are ahead at first and far behind at the end.

    architectures: mlp (the paper's 3 x 300), conv (`mvm.attacks.attnet_conv`). recipes: {name: settings
    of `mvm.attacks.recipe.Recipe`}. warm: an attacker.safetensors from which one more mlp starts.
    Differs from the paper's AttNet in the output map, the loss and the training: see `Recipe`.
    """

    def __init__(
        self,
        shape: Sequence[int],
        *,
        eta: float,
        box: bool = False,
        recipes: dict[str, dict[str, Any]],
        architectures: Sequence[str] = ARCHITECTURES,
        restarts: int = 2,
        iterations: int = 3000,
        trial: float = 0.2,
        keep: int = 1,
        by: str = "error",
        batch_size: int = 128,
        sigma: float = 1e-3,
        warm: str | None = None,
        classes: int = 10,
        seed: int = 0,
    ) -> None:
        super().__init__(eta=eta, box=box)
        _check_members(recipes, architectures, warm)
        check_whole(restarts=restarts, iterations=iterations, keep=keep, batch_size=batch_size, classes=classes)
        check_positive(sigma=sigma)
        if not 0 < trial <= 1:
            raise ValueError(f"trial={trial}: a share of the iterations, in (0, 1]")
        self.shape, self.architectures, self.warm = tuple(shape), tuple(architectures), warm
        self.classes = classes
        self.recipes = {name: Recipe(**settings) for name, settings in recipes.items()}
        if by not in ("error", "risk"):
            raise ValueError(f"by={by!r}: must be error or risk")
        self.restarts, self.iterations, self.keep, self.by = restarts, iterations, keep, by
        self.trial_steps = max(1, round(trial * iterations))
        self.batch_size, self.sigma, self.seed = batch_size, sigma, seed
        self.best = self._stack([("mlp", Recipe())])
        self.members: list[dict[str, Any]] = []
        self._half: dict[str, Tensor] = {}  # of each member, which validation images it broke at half of the iterations
        self._doubled: dict[str, Any] = {}

    def perturb(self, classifier: Classifier, x: Tensor, y: Tensor) -> Tensor:
        with torch.no_grad(), evaluating(self.best.net):
            return self.best.perturb(x, y)[0][0]

    def fit(
        self,
        classifier: Classifier,
        x: Tensor,
        y: Tensor,
        progress: Progress | None = None,
        val: Batch | None = None,
    ) -> None:
        """Train the members against the classifier, as the class says; without val on nine tenths of the images."""
        if val is None:
            cut = max(1, len(x) // 10)
            x, y, val = x[cut:], y[cut:], (x[:cut], y[:cut])
        self._half = {}
        with torch.random.fork_rng([x.device] if x.is_cuda else []), attacked(classifier), torch.enable_grad():
            torch.manual_seed(derive(self.seed, 1))
            run = partial(self._train, classifier, x, y, val=val, progress=progress)
            groups = self._groups(x.device)
            done = run(groups, [self.sigma] * self.trial_steps, start=0, done=0)
            some = (val[0][:FEW], val[1][:FEW])
            tried = self._measure(groups, classifier, (x, y), some, self.trial_steps)
            rest = self.iterations - self.trial_steps
            if rest:
                groups = self._keep_best(groups, [m[f"val_{self.by}"] for m in tried])
                run(groups, [self.sigma * (1 - i / rest) for i in range(rest)], start=self.trial_steps, done=done)
                trained = self._measure(groups, classifier, (x, y), val, self.iterations)
                self.members = trained + [m for m in tried if m["name"] not in {t["name"] for t in trained}]
            else:
                self.members = tried
            self._choose(groups)
            self._compare(classifier, val)

    def _train(
        self,
        classifier: Classifier,
        x: Tensor,
        y: Tensor,
        groups: list[Group],
        rates: list[float],
        *,
        start: int,
        done: int,
        val: Batch,
        progress: Progress | None,
    ) -> int:
        """All groups for len(rates) iterations; returns the member iterations done so far."""
        for number, group in enumerate(groups):
            stream = batches(x, y, self.batch_size, derive(self.seed, number), start)
            for i, gain in enumerate(group.train(classifier, stream, rates)):
                done += len(group.names)
                if start + i + 1 == self.iterations // 2:
                    self._half |= group.missed(classifier, *val)
                if progress and i % 20 == 0:
                    progress(done, self.fit_steps, f"{', '.join(group.names)}: {gain.item() / len(group.names):.3f}")
        return done

    @staticmethod
    def _measure(
        groups: list[Group], classifier: Classifier, train: Batch, val: Batch, at: int
    ) -> list[dict[str, Any]]:
        """What is known of each member after `at` iterations; the same number of training as validation images."""
        out = []
        for group in groups:
            on_val, n = group.measure(classifier, *val), len(val[0])
            on_train = group.measure(classifier, train[0][:n], train[1][:n])
            for name, seen, learned in zip(group.names, on_val, on_train, strict=True):
                known = {"val_error": seen["error"], "val_risk": seen["risk"], "train_error": learned["error"]}
                out.append({"name": name, "iterations": at, **known, "spread": seen["spread"]})
        return out

    def _keep_best(self, groups: list[Group], worth: list[float]) -> list[Group]:
        """The `keep` members of largest worth of each architecture."""
        names = list(chain.from_iterable(g.names for g in groups))
        ranked = [names[k] for k in sorted(range(len(worth)), key=lambda k: -worth[k])]
        best: set[str] = set()
        for architecture in self.architectures:
            best.update([name for name in ranked if name.startswith(architecture)][: self.keep])
        chosen = [(group, [k for k, name in enumerate(group.names) if name in best]) for group in groups]
        return [group.select(members) for group, members in chosen if members]

    def _choose(self, groups: list[Group]) -> None:
        """Keep the member with the largest validation error (or risk) among those that were trained to the end."""
        names = list(chain.from_iterable(g.names for g in groups))
        best = max(range(len(names)), key=lambda k: self.members[k][f"val_{self.by}"])
        self.best = next(g.select([g.names.index(names[best])]) for g in groups if names[best] in g.names)

    def _compare(self, classifier: Classifier, val: Batch) -> None:
        """The member kept, at half of the iterations and at the end.

        At half the rate is still high, and the error below that of a training of half the length: the difference
        is more than such a doubling brings, if anything.
        """
        ((name, end),) = self.best.missed(classifier, *val).items()
        half = (self.iterations // 2, self._half[name]) if name in self._half else None
        self._doubled = doubled(half, (self.iterations, end))

    def _groups(self, device: torch.device) -> list[Group]:
        """The mlps in one stack, the convolutional networks each by itself."""
        out = []
        drawn = [(name, r) for _ in range(self.restarts) for name, r in self.recipes.items()]
        if "mlp" in self.architectures:
            named = [(f"mlp {name} {k // len(self.recipes)}", r) for k, (name, r) in enumerate(drawn)]
            if self.warm:
                named.append(("mlp warm", next(iter(self.recipes.values()))))
            out.append(self._stack(named))
            if self.warm:
                stack = out[0].net
                assert isinstance(stack, AttNetStack)
                stack.load_attnet(len(named) - 1, load_file(self.warm))
        if "conv" in self.architectures:
            for k, (name, r) in enumerate(drawn):
                net = AttNetConv(self.shape, dropout=r.dropout, classes=self.classes)
                out.append(Group([f"conv {name} {k // len(self.recipes)}"], [r], net, self.eta, self.box))
        for group in out:
            group.net.to(device)
        return out

    def _stack(self, named: list[tuple[str, Recipe]]) -> Group:
        recipes = [r for _, r in named]
        net = AttNetStack(self.shape, [r.dropout for r in recipes], classes=self.classes)
        return Group([name for name, _ in named], recipes, net, self.eta, self.box)

    def report(self) -> dict[str, Any]:
        """{"members": one line a member, those trained to the end first; "chosen": the name of the one kept;
        "doubled": what the second half of its training changed}, `mvm.attacks.doubled`.
        """
        return {"members": self.members, "chosen": self.best.names[0], **self._doubled}

    @property
    def fit_steps(self) -> int:
        drawn = dict.fromkeys(self.architectures, len(self.recipes) * self.restarts)
        if self.warm and "mlp" in drawn:
            drawn["mlp"] += 1
        rest = (self.iterations - self.trial_steps) * sum(min(self.keep, members) for members in drawn.values())
        return sum(drawn.values()) * self.trial_steps + rest


def _check_members(recipes: dict[str, dict[str, Any]], architectures: Sequence[str], warm: str | None) -> None:
    """ValueError where these leave nothing to train, or `warm` nothing to start."""
    if not architectures or set(architectures) - set(ARCHITECTURES):
        raise ValueError(f"architectures={architectures}: must be some of {', '.join(ARCHITECTURES)}")
    if not recipes:
        raise ValueError("recipes={}: needs at least one, for example recipes={margin: {loss: margin}}")
    if warm and "mlp" not in architectures:
        raise ValueError(f"warm={warm} is for a network of architecture mlp; architectures={architectures}")
