"""What a training step costs beside its arithmetic alone: `make bench`. Rows go into outputs/bench/bench.csv.

python -m tests.benchmarks.floor [busy]

The floor of a step is the time of the multiplications and additions that it cannot do without, each convolution
and matrix product called bare on tensors of the same shapes: no ReLU, pooling, loss, optimiser or Python between.
The gradient in the image is charged at the rate of the first layer's forward pass, faster than any kernel for it.
Steps and bare operations take turns; the ratio is measured over floor, and its inverse the share of the bare
operations' arithmetic rate that the step reaches. Batch 128, paper-size nets, Adam's steps are in the step.
"""

import statistics
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mvm.attacks.fgsm import FGSM
from mvm.leader_follower import descend, iterate
from mvm.penalty import FORMS, Through
from tests.benchmarks.nets import Nets
from tests.benchmarks.steps import Step, player, timed, write
from tests.benchmarks.turns import begin, row

# A step's passes over the classifier g and the attack network a: forward, back to the inputs of all layers but the
# first, the weight gradients, and back to the image.
Passes = Counter[str]
FGSM_ = Passes({"g forward": 1, "g back": 1, "g image": 1})
PLAIN = Passes({"g forward": 1, "g back": 1, "g weights": 1})
ASCENT = FGSM_ + Passes({"a forward": 1, "a back": 1, "a weights": 1})
PASSES: dict[str, Passes] = {
    "plain": PLAIN,
    "adv_train": FGSM_ + PLAIN + PLAIN,  # 128 images and their attacked ones
    "alt": PLAIN + Passes({"a forward": 1}) + ASCENT,  # the leader first, as Eq. (19)
    # f's gradient in v; how it moves along itself, through a and g; that back again, with two gradients of each weight
    "minimax": ASCENT + PLAIN + Passes({"a forward": 2, "g weights": 1}),
    "sens_fgsm": FGSM_ + FGSM_ + PLAIN + Passes({"g weights": 1}),
}
TARGET = {"plain": round(1 / 0.7, 2)}  # 70 % of the bare rate


@dataclass
class Work:
    """A bare pass: its calls, and its floating-point operations (a multiply-add is two)."""

    calls: list[Callable[[], object]]
    flop: int = 0

    def add(self, call: Callable[[], object], flop: int) -> None:
        self.calls.append(call)
        self.flop += flop

    @torch.no_grad()
    def run(self) -> None:
        for call in self.calls:
            call()


def steps(nets: Nets) -> dict[str, Step]:
    """The steps of PASSES as the games make them."""
    u, v = player(nets.u, 1e-4), player(nets.v, 1e-3)
    fgsm, both = FGSM(eta=nets.eta), torch.cat([nets.y, nets.y])
    risk = F.cross_entropy

    def sens() -> None:
        z = fgsm(nets.g, nets.x, nets.y).requires_grad_(True)
        u.move(FORMS["linear"](Through(lambda: z, nets.g, nets.loss), nets.u, [z], nets.eta * len(z)).g_u)

    return {
        "plain": lambda: descend(nets.loss(nets.g(nets.x)), u),
        "adv_train": lambda: descend(risk(nets.g(torch.cat([nets.x, fgsm(nets.g, nets.x, nets.y)])), both), u),
        "alt": partial(iterate, nets.f(), u, v, order="leader_first"),
        "minimax": partial(iterate, nets.f(), u, v, gamma=1.0, penalty="linear"),
        "sens_fgsm": sens,
    }


def layers(net: nn.Module, *inputs: Tensor) -> Iterator[tuple[nn.Conv2d | nn.Linear, Tensor, Tensor]]:
    """Every layer with weights that a forward pass meets, with its input and its output."""
    met: list[tuple[nn.Conv2d | nn.Linear, Tensor, Tensor]] = []
    hooks = [
        m.register_forward_hook(lambda m, x, y: met.append((m, x[0].detach(), y.detach())))
        for m in net.modules()
        if isinstance(m, nn.Conv2d | nn.Linear)
    ]
    net(*inputs)
    for hook in hooks:
        hook.remove()
    return iter(met)


def backward(layer: nn.Conv2d, x: Tensor, g: Tensor, wanted: tuple[bool, bool]) -> object:
    return torch.ops.aten.convolution_backward(
        g, x, layer.weight, None, layer.stride, layer.padding, layer.dilation, False, (0, 0), 1, (*wanted, False)
    )


def bare(name: str, net: nn.Module, *inputs: Tensor) -> dict[str, Work]:
    """The passes `NAME forward`, `NAME back`, `NAME weights` and `NAME image` over the net."""
    forward, back, weights, image = (Work([]) for _ in range(4))
    for i, (layer, x, y) in enumerate(layers(net, *inputs)):
        flop, w, g = 2 * y.numel() * layer.weight[0].numel(), layer.weight.detach(), torch.randn_like(y)
        if isinstance(layer, nn.Conv2d):
            forward.add(partial(F.conv2d, x, w, None, layer.stride, layer.padding), flop)
            weights.add(partial(backward, layer, x, g, (False, True)), flop)
            to_input: Callable[[], object] = partial(backward, layer, x, g, (True, False))
        else:
            forward.add(partial(torch.mm, x, w.T), flop)
            weights.add(partial(torch.mm, g.T, x), flop)
            to_input = partial(torch.mm, g, w)
        if i:
            back.add(to_input, flop)
        else:
            image.add(forward.calls[0], flop)
    return {f"{name} {pass_}": w for pass_, w in zip(("forward", "back", "weights", "image"),
                                                     (forward, back, weights, image), strict=True)}  # fmt: skip


def measure(net: str, clock: Callable[[], float], where: str, rounds: int) -> None:
    nets = Nets(net)
    work = bare("g", nets.g, nets.x) | bare("a", nets.a, nets.x, nets.y)
    times = timed({**{name: w.run for name, w in work.items()}, **steps(nets)}, rounds, clock)
    for name, w in work.items():
        ms = statistics.median(times[name])
        print(f"{net} bare {name:10s} {w.flop / 1e9:7.2f} GFLOP {ms:8.1f} ms {w.flop / 1e6 / ms:6.1f} GFLOP/s")
    for name, passes in PASSES.items():
        floor = [sum(n * t for n, t in zip(passes.values(), at, strict=True))
                 for at in zip(*(times[p] for p in passes), strict=True)]  # fmt: skip
        flop = sum(n * work[p].flop for p, n in passes.items())
        ms = statistics.median(times[name])
        print(f"{net} step {name:10s} {flop / 1e9:7.2f} GFLOP {ms:8.1f} ms {flop / 1e6 / ms:6.1f} GFLOP/s")
        write([row(f"{net}/floor-{name}:bare-operations", times[name], floor, TARGET.get(name), where)])


if __name__ == "__main__":
    chosen, machine = begin()
    for one in ("mnist", "cifar10"):
        measure(one, chosen, machine, 9)
