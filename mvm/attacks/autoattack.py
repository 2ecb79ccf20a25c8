"""AutoAttack (Croce & Hein, 2020), as the package pyautoattack computes it: an outside opinion on our own attacks."""

import importlib
import importlib.util
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from mvm.attacks.attack import Attack, Classifier, wrong
from mvm.errors import UserError
from mvm.numbers import check_whole
from mvm.threat import HIGH, LOW, clip

PACKAGE = "pyautoattack"
COMPONENTS = ("apgd-ce", "apgd-dlr", "fab", "square", "apgd-t", "fab-t")


class AutoAttack(Attack):
    """The components of AutoAttack on boxed images, each on the images that the ones before left right.

    components: some of apgd-ce, apgd-dlr, fab, square, apgd-t, fab-t. restarts: of the untargeted ones, apgd-ce,
    apgd-dlr and fab. The defaults are its standard version; with 5 restarts (of plain `custom`) it is as strong or
    stronger. `UserError` where the package is missing.

    The package works on [0, 1] with eps = eta / 2, draws from the global random state (set from the seed
    of each call here and put back), and switches off sys.settrace for good (put back too). Its results are
    clipped to the ball, and kept only where they are misclassified, so that rounding breaks no rule.
    An image's result depends on its batch: its generator runs over the whole batch. The components are called one by
    one, in which the package gives the same images as all at once, so that what each of them breaks is known.
    """

    def __init__(
        self,
        *,
        eta: float,
        components: tuple[str, ...] | list[str] = ("apgd-ce", "apgd-t", "fab-t", "square"),
        restarts: int = 1,
        seed: int = 0,
    ) -> None:
        super().__init__(eta=eta, box=True)
        if not components or set(components) - set(COMPONENTS):
            raise ValueError(f"components={list(components)}: must be some of {', '.join(COMPONENTS)}")
        check_whole(restarts=restarts)
        if importlib.util.find_spec(PACKAGE) is None:  # now, not after hours of training
            raise UserError(f"attack autoattack needs the package {PACKAGE}: pip install -e '.[autoattack]'")
        self.components, self.restarts, self.seed = list(components), restarts, seed
        self.broken = dict.fromkeys(("clean", *components), 0)

    def perturb(self, classifier: Classifier, x: Tensor, y: Tensor) -> Tensor:
        """The images that break the classifier, cut to the ball and the box; the others as they were."""
        package = importlib.import_module(PACKAGE)
        z, left = x.clone(), ~wrong(classifier, x, y)
        self.broken["clean"] += int((~left).sum())
        if self.eta == 0:
            return x
        for component in self.components:
            on = left.nonzero().flatten()
            if not len(on):
                break
            with _undisturbed(x), torch.no_grad():
                judge = package.AutoAttack(
                    _Unit(classifier).eval(), version="custom", attacks=[component], eps=self.eta / 2, seed=self.seed,
                    device=x.device,
                )  # fmt: skip
                judge.apgd.n_restarts = judge.fab.n_restarts = self.restarts  # its "custom" version has 5
                found, answers = judge.run_standard_evaluation(_to_unit(x[on]), y[on], batch_size=len(on))
            z[on] = clip(_from_unit(found.to(x)), x[on], self.eta, box=True)
            left[on] = answers.to(y) == y[on]
            self.broken[component] += len(on) - int(left.sum())
        fooled = wrong(classifier, z, y).view(-1, *[1] * (x.dim() - 1))
        return torch.where(fooled, z, x)

    def report(self) -> dict[str, Any]:
        """{"broken": {component: images that it was the first to break}}, first those wrong unattacked ("clean");
        of all images so far.
        """
        return {"broken": dict(self.broken)}

    @property
    def gradients(self) -> int:
        return 100 * 9 * len(self.components)  # of an image that nothing breaks; a guess


class _Unit(nn.Module):
    """The classifier on [0, 1]."""

    def __init__(self, classifier: nn.Module) -> None:
        super().__init__()
        self.classifier = classifier

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(_from_unit(x))


def _to_unit(x: Tensor) -> Tensor:
    return (x - LOW) / (HIGH - LOW)


def _from_unit(x: Tensor) -> Tensor:
    return LOW + (HIGH - LOW) * x


@contextmanager
def _undisturbed(x: Tensor) -> Iterator[None]:
    trace, log = sys.gettrace(), logging.getLogger("auto-attack")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with torch.random.fork_rng([x.device] if x.is_cuda else []):
            yield
    finally:
        sys.settrace(trace)
        log.setLevel(level)
