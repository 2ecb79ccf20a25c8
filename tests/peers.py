"""The same attacks by other libraries, behind one face: images in [-1, 1], true labels, the boxed l_inf ball.

`make bench` installs them (tests/benchmarks/requirements.txt). torchattacks lives on [0, 1], where eta is eta / 2.
"""

import importlib.util
from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor, nn

from mvm.attacks.fgsm import FGSM
from mvm.attacks.ifgsm import IFGSM
from mvm.attacks.pgd import PGD


class Peer(Protocol):
    """Attacks on `net` in eval mode: images x (B, C, H, W), labels y (B,) -> z like x."""

    def __init__(self, net: nn.Module, eta: float, x: Tensor) -> None: ...

    def fgsm(self, x: Tensor, y: Tensor) -> Tensor: ...

    def pgd(self, x: Tensor, y: Tensor, *, steps: int, step: float, start: bool, restarts: int = 1) -> Tensor:
        """start: from a random point of the ball, not from x. Restarts as the library itself offers them."""


class Ours:
    def __init__(self, net: nn.Module, eta: float, x: Tensor) -> None:
        self.net, self.eta = net, eta

    def fgsm(self, x, y):
        return FGSM(eta=self.eta, box=True)(self.net, x, y)

    def pgd(self, x, y, *, steps, step, start, restarts=1):
        if not start:
            return IFGSM(eta=self.eta, steps=steps, step=step)(self.net, x, y)
        # restarts only ask which images break: then `stop` is the setting for it
        return PGD(eta=self.eta, steps=steps, step=step, restarts=restarts, stop=restarts > 1)(self.net, x, y)


class Foolbox:
    def __init__(self, net: nn.Module, eta: float, x: Tensor, bounds: tuple[float, float] = (-1, 1)) -> None:
        import foolbox

        self.attacks, self.model, self.eta = foolbox.attacks, foolbox.PyTorchModel(net, bounds=bounds), eta

    def fgsm(self, x, y):
        return self.attacks.LinfFastGradientAttack(random_start=False).run(self.model, x, y, epsilon=self.eta)

    def pgd(self, x, y, *, steps, step, start, restarts=1):
        attack = self.attacks.LinfPGD(steps=steps, abs_stepsize=step, random_start=start)
        if restarts == 1:
            return attack.run(self.model, x, y, epsilon=self.eta)
        return attack.repeat(restarts)(self.model, x, y, epsilons=self.eta)[1]


class Torchattacks:
    def __init__(self, net: nn.Module, eta: float, x: Tensor) -> None:
        import torchattacks

        self.package, self.net, self.eta = torchattacks, Unit(net).eval(), eta

    def fgsm(self, x, y):
        return 2 * self.package.FGSM(self.net, eps=self.eta / 2)((x + 1) / 2, y) - 1

    def pgd(self, x, y, *, steps, step, start, restarts=1):
        eps, alpha = self.eta / 2, step / 2
        tries = [
            self.package.PGD(self.net, eps=eps, alpha=alpha, steps=steps, random_start=start) for _ in range(restarts)
        ]
        attack = tries[0] if restarts == 1 else self.package.MultiAttack(tries)
        return 2 * attack((x + 1) / 2, y) - 1


class ART:
    def __init__(self, net: nn.Module, eta: float, x: Tensor) -> None:
        from art.attacks import evasion
        from art.estimators.classification import PyTorchClassifier

        self.evasion, self.eta = evasion, eta
        self.estimator = PyTorchClassifier(
            net, nn.CrossEntropyLoss(), tuple(x.shape[1:]), 10, clip_values=(-1, 1), device_type="cpu"
        )

    def fgsm(self, x, y):
        attack = self.evasion.FastGradientMethod(self.estimator, eps=self.eta, batch_size=len(x))
        return torch.from_numpy(attack.generate(x.numpy(), y.numpy()))

    def pgd(self, x, y, *, steps, step, start, restarts=1):
        attack = self.evasion.ProjectedGradientDescentPyTorch(
            self.estimator, eps=self.eta, eps_step=step, max_iter=steps, num_random_init=restarts * start,
            batch_size=len(x), verbose=False,
        )  # fmt: skip
        return torch.from_numpy(attack.generate(x.numpy(), y.numpy()))


class Cleverhans:
    """It has no restarts: the next one is given all images, the last misclassified image is kept."""

    def __init__(self, net: nn.Module, eta: float, x: Tensor, bounds: tuple[float | None, float | None] = (-1, 1)):
        from cleverhans.torch.attacks.fast_gradient_method import fast_gradient_method
        from cleverhans.torch.attacks.projected_gradient_descent import projected_gradient_descent

        self.one, self.many = fast_gradient_method, projected_gradient_descent
        self.net, self.eta, self.bounds = net, eta, bounds

    def fgsm(self, x, y):
        return self.one(self.net, x, self.eta, torch.inf, *self.bounds, y=y).detach()

    def pgd(self, x, y, *, steps, step, start, restarts=1):
        out = x
        for _ in range(restarts):
            z = self.many(
                self.net, x, self.eta, step, steps, torch.inf, *self.bounds, y=y, rand_init=start, sanity_checks=False
            ).detach()
            if restarts == 1:
                return z
            with torch.no_grad():
                fooled = self.net(z).argmax(1) != y
            out = torch.where(fooled[:, None, None, None], z, out)
        return out


class Unit(nn.Module):
    """The classifier on [0, 1]."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: Tensor) -> Tensor:
        return self.net(2 * x - 1)


PEERS: dict[str, Callable[..., Peer]] = {
    "foolbox": Foolbox,
    "torchattacks": Torchattacks,
    "art": ART,
    "cleverhans": Cleverhans,
}


def installed(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


def mnist_net(width: float, iterations: int) -> tuple[nn.Module, Tensor, Tensor]:
    """The paper's MNIST net of this width after a short training, and the embedded test images and labels."""
    from mvm.classifiers.mnist import MNISTNet
    from mvm.data.batches import batches
    from mvm.data.mnist5k import MNIST5k
    from mvm.leader_follower import Player, descend
    from mvm.risk import risk

    torch.manual_seed(0)
    data, net = MNIST5k(), MNISTNet(width=width)
    data.setup()
    u = list(net.parameters())
    player = Player(u, torch.optim.Adam(u, lr=2e-3, fused=True))
    for _, (x, y) in zip(range(iterations), batches(data.train.x, data.train.y, 128, 0), strict=False):
        descend(risk(net(x), y), player)
    return net.eval(), data.test.x, data.test.y
