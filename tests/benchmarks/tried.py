"""The plain step beside what it could be instead: python -m tests.benchmarks.tried [busy] [compiled].

Rows go into outputs/bench/bench.csv; a ratio above 1 says that the alternative takes less. They are named for
docs/performance.md. compiled: also torch.compile of the net, whose minutes of compilation are not counted.
"""

import copy
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import nn

from mvm.leader_follower import Player, descend
from mvm.risk import risk
from tests.benchmarks.nets import SHAPES, Nets
from tests.benchmarks.steps import Step, timed, write
from tests.benchmarks.turns import begin, row


def plain(
    net: nn.Module,
    nets: Nets,
    around: Callable[[], AbstractContextManager[object]] = nullcontext,
    answer: Callable[..., torch.Tensor] | None = None,
    **adam: bool,
) -> Step:
    """One descent on the clean images; around: the context of the forward pass."""
    u = list(net.parameters())
    player = Player(u, torch.optim.Adam(u, lr=1e-4, **adam))

    def step() -> None:
        with around():
            value = risk((answer or net)(nets.x), nets.y)
        descend(value, player)

    return step


def flushed(step: Step) -> Step:
    def inner() -> None:
        torch.set_flush_denormal(True)
        step()
        torch.set_flush_denormal(False)

    return inner


def sides(nets: Nets) -> dict[str, Step]:
    nchw, bf16, foreach, denormal, ours, compiled = (copy.deepcopy(nets.g) for _ in range(6))
    nchw.to(memory_format=torch.contiguous_format)
    out = {
        "plain": plain(ours, nets, fused=True),
        "nchw": plain(nchw, nets, fused=True),
        "bf16-autocast": plain(bf16, nets, lambda: torch.autocast("cpu", torch.bfloat16), fused=True),
        "adam-unfused": plain(foreach, nets, foreach=True),
        "flush-denormal": flushed(plain(denormal, nets, fused=True)),
    }
    if "compiled" in sys.argv:
        out["compiled"] = plain(compiled, nets, answer=torch.compile(compiled), fused=True)
    return out


if __name__ == "__main__":
    clock, where = begin()
    for net in SHAPES:
        times = timed(sides(Nets(net)), 9, clock)
        write([row(f"{net}/plain:{n}", times["plain"], times[n], None, where) for n in times if n != "plain"])
