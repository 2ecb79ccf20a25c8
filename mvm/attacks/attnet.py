"""The learned attack, AttNet (Sec. 4.1): a network that maps an image and its label to a perturbed image."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mvm.attacks.attack import Attack, Classifier, Progress, wrong
from mvm.attacks.attacked import attacked, evaluating
from mvm.attacks.doubled import Missed, doubled
from mvm.data.batches import Batch, batches
from mvm.data.images import chunk
from mvm.graphed import Graphed, fuse
from mvm.leader_follower import Player, ascend
from mvm.numbers import check_positive, check_whole
from mvm.risk import risk
from mvm.seeding import derive
from mvm.tf32 import tf32
from mvm.threat import check_eta, clip


class AttNet(nn.Module):
    """z(x; v) = x + eta tanh(h(x, y; v)): |z - x| <= eta by construction.

    h: image and one-hot label -> 3 fully connected hidden layers of `hidden` ReLU units with dropout ->
    one output per pixel. The paper gives neither the output map nor the dropout's place; eta tanh and
    "after each hidden layer" are our choice. With `box`, z is clipped to [-1, 1] afterwards.
    x: (B, *shape), y: (B,) labels below `classes`; z like x. 655,084 parameters on MNIST.
    """

    climbs_f = True

    def __init__(
        self,
        shape: tuple[int, ...],
        *,
        eta: float,
        box: bool = False,
        hidden: int = 300,
        dropout: float = 0.5,
        classes: int = 10,
    ) -> None:
        super().__init__()
        self.eta, self.box, self.classes = check_eta(eta), box, classes
        check_whole(hidden=hidden, classes=classes)
        pixels = int(torch.tensor(shape).prod())
        widths = [pixels + classes, hidden, hidden, hidden]
        layers: list[nn.Module] = []
        for a, b in zip(widths, widths[1:], strict=False):
            layers += [nn.Linear(a, b), nn.ReLU(), nn.Dropout(dropout)]
        self.h: nn.Module = nn.Sequential(*layers, nn.Linear(hidden, pixels))

    def p(self, x: Tensor, y: Tensor) -> Tensor:
        """h(x, y; v), one number a pixel, like x."""
        label = F.one_hot(y, self.classes).to(x.dtype)
        return self.h(torch.cat([x.flatten(1), label], dim=1)).view_as(x)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        z = x + self.eta * torch.tanh(self.p(x, y))
        return clip(z, x, self.eta, box=True) if self.box else z

    def gain(self, logits: Tensor, y: Tensor) -> Tensor:
        """What v climbs, from the defender's answers to the last images: the risk, Eq. (9)."""
        return risk(logits, y)


class AttNetAttack(Attack):
    """The attack of an AttNet, literally as in the paper: trained by ascent on f, Eq. (9), then one forward pass.

    `fit` starts a fresh network (initialised from `seed`) and trains it against the given classifier;
    before that, or inside a game, `net` is the network as it stands. Dropout is off when it attacks. Where there
    are validation images, the error on them at half of the iterations and at the end is reported: the rate is
    constant, so the first is what a training of half the length ends with, bit for bit.
    optimizer: a callable (parameters, lr=) -> optimiser; sigma: its learning rate (Appendix A: Adam, 1e-3).
    more: other settings of the network.
    """

    network: type[AttNet] = AttNet

    def __init__(
        self,
        shape: tuple[int, ...],
        *,
        eta: float,
        box: bool = False,
        hidden: int = 300,
        dropout: float = 0.5,
        iterations: int = 30_000,
        batch_size: int = 128,
        sigma: float = 1e-3,
        optimizer: Callable[..., torch.optim.Optimizer] = torch.optim.Adam,
        seed: int = 0,
        **more: Any,
    ) -> None:
        super().__init__(eta=eta, box=box)
        check_whole(iterations=iterations, batch_size=batch_size)
        check_positive(sigma=sigma)
        self.iterations, self.batch_size, self.seed = iterations, batch_size, seed
        self.sigma, self.optimizer = sigma, optimizer
        self._fresh = partial(self.network, tuple(shape), eta=eta, box=box, hidden=hidden, dropout=dropout, **more)
        self.net = self._fresh()
        self._doubled: dict[str, Any] = {}

    def perturb(self, classifier: Classifier, x: Tensor, y: Tensor) -> Tensor:
        with torch.no_grad(), evaluating(self.net):
            return self.net(x, y)

    def fit(
        self,
        classifier: Classifier,
        x: Tensor,
        y: Tensor,
        progress: Progress | None = None,
        val: Batch | None = None,
    ) -> None:
        """Train a fresh network against the classifier, as the class says."""
        half: Missed | None = None
        devices = [x.device] if x.is_cuda else []
        with torch.random.fork_rng(devices), attacked(classifier), torch.enable_grad():
            torch.manual_seed(derive(self.seed, 1))
            self.net = self._fresh().to(x.device)
            v = list(self.net.parameters())
            player = Player(v, self.optimizer(v, lr=self.sigma))
            fuse(player.optimizer)
            step = Graphed(partial(self._step, classifier, player), [player.optimizer])
            stream = batches(x, y, self.batch_size, self.seed)
            for i, batch in zip(range(self.iterations), stream, strict=False):
                seen = step(*batch)
                if progress and i % 20 == 0:
                    progress(i, self.iterations, f"risk {seen['risk'].item():.3f}")
                if val and i + 1 == self.iterations // 2:
                    half = i + 1, self._missed(classifier, *val)
            self._doubled = doubled(half, (self.iterations, self._missed(classifier, *val))) if val else {}

    def _missed(self, classifier: Classifier, x: Tensor, y: Tensor) -> Tensor:
        """Which images the network breaks as it stands, (N,) bool; draws no random number."""
        parts = zip(x.split(chunk(x)), y.split(chunk(x)), strict=True)
        return torch.cat([wrong(classifier, self.perturb(classifier, *part), part[1]) for part in parts])

    @tf32()
    def _step(self, classifier: Classifier, player: Player, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        return {"risk": ascend(lambda: self.net.gain(classifier(self.net(x, y)), y), player)}

    def obstacle(self) -> str:
        # the forward pass is the same for all images, whatever the network
        return "" if type(self).perturb is AttNetAttack.perturb else super().obstacle()

    def report(self) -> dict[str, Any]:
        """{"doubled": what the second half of the training changed}, `mvm.attacks.doubled`; empty before it."""
        return self._doubled

    @property
    def fit_steps(self) -> int:
        return self.iterations
