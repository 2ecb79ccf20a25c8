"""Training steps on a GPU: recorded once as a CUDA graph, then replayed, with no Python between the kernels."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from mvm.leader_follower.player import Steps
from mvm.terminal import say

EAGER = 3  # steps before the recording, in which libraries choose their kernels and optimisers make their state

Step = Callable[..., dict[str, Tensor]]


class Graphed:
    """Calls step(*tensors) -> {name: scalar}; on a GPU by a CUDA graph, if nothing is in the way.

    The first `EAGER` calls are made as they are, the next is recorded, and it and all later ones are replays: the
    same kernels in the same memory, with random numbers from the generator as it stands. Bit for bit what plain
    calls give, if `step` does the same operations at every call: all that it reads or changes are tensors that stay
    in their places, and it never asks for a tensor's value. optimizers: what it moves the players by (`fuse`).
    obstacle: why it is not to be recorded, if it is not. Of a recording that fails the reason is said and kept in
    `failed`, and calls are plain from then on.
    """

    def __init__(self, step: Step, optimizers: Sequence[Steps], obstacle: str = "") -> None:
        self.step, self.optimizers, self.obstacle = step, optimizers, obstacle
        self.calls, self.failed = 0, ""
        self.graph: torch.cuda.CUDAGraph | None = None

    def __call__(self, *tensors: Tensor) -> dict[str, Tensor]:
        if not tensors[0].is_cuda or self.obstacle or self.failed:
            return self.step(*tensors)
        if self.graph is None:
            self.calls += 1
            if self.calls <= EAGER:
                return self._plain(*tensors)
            self._record(tensors)
        if self.graph is None or any(a.shape != b.shape for a, b in zip(self.inputs, tensors, strict=True)):
            return self.step(*tensors)
        for mine, given in zip(self.inputs, tensors, strict=True):
            mine.copy_(given)
        self.graph.replay()
        return dict(zip(self.names, self.values.clone(), strict=True))  # the next replay writes where this one wrote

    def _plain(self, *tensors: Tensor) -> dict[str, Tensor]:
        """A call on the stream of the recording, as CUDA asks for."""
        if self.calls == 1:
            self.stream = torch.cuda.Stream()
        self.stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self.stream):
            seen = self.step(*tensors)
        torch.cuda.current_stream().wait_stream(self.stream)
        return seen

    def _record(self, tensors: Sequence[Tensor]) -> None:
        """Sets graph, inputs, names and values; or `failed`. No kernel runs."""
        self.inputs = [t.clone() for t in tensors]
        graph, state = torch.cuda.CUDAGraph(), torch.cuda.get_rng_state()
        try:
            with recording(graph, self.stream, self.optimizers):
                seen = self.step(*self.inputs)
                self.names, self.values = list(seen), torch.stack([v.detach() for v in seen.values()])
        except Exception as why:  # whatever the step, torch or a library may raise
            restore_generator(state)
            self.failed = next(filter(str.strip, str(why).splitlines()), type(why).__name__)
            say(f"not replayed as a CUDA graph, since recording it failed: {self.failed}")
        else:
            self.graph = graph


def fuse(*optimizers: Any) -> None:
    """Have torch's Adams do a step in one kernel and keep all their state on the GPU, if the parameters are there."""
    for state, group in ((one.state, group) for one in optimizers for group in one.param_groups):
        if {"fused", "capturable"} <= group.keys() and group["params"][0].is_cuda:
            group["fused"], group["foreach"] = True, False
            for p in group["params"]:
                if "step" in state.get(p, {}):  # resumed
                    state[p]["step"] = state[p]["step"].to(p.device)


@contextmanager
def recording(graph: torch.cuda.CUDAGraph, stream: torch.cuda.Stream, optimizers: Sequence[Steps]) -> Iterator[None]:
    """Inside, kernels are recorded. torch asks of Adam that it be told before, and warns of one told and not recorded.

    cuBLAS's workspaces are dropped before and after: those made in between are the graph's own. torch keeps one for a
    stream and drops it with any graph of that stream (pytorch/pytorch#193402), or with any graph at all, and whoever
    gets that memory next shares it with the replays: nan, a moment later.
    """
    groups = [group for optimizer in optimizers for group in optimizer.param_groups if "capturable" in group]
    was = [group["capturable"] for group in groups]
    torch.cuda.synchronize()
    torch._C._cuda_clearCublasWorkspaces()
    try:
        for group in groups:
            group["capturable"] = True
        with torch.cuda.graph(graph, stream=stream):
            yield
    finally:
        torch._C._cuda_clearCublasWorkspaces()
        for group, capturable in zip(groups, was, strict=True):
            group["capturable"] = capturable


def restore_generator(state: Tensor) -> None:
    """A recording that failed leaves the generator waiting for its end: give it a new state with these numbers."""
    generator = torch.cuda.default_generators[torch.cuda.current_device()]
    generator.graphsafe_set_state(torch.Generator(generator.device).graphsafe_get_state())
    generator.set_state(state)


def set_rate(optimizer: Steps, rate: float) -> None:
    """The learning rate of all its parameters, as by `held`; one from a checkpoint Lightning leaves on the CPU."""
    for group in optimizer.param_groups:
        group["lr"] = held(group["lr"], float(rate), group["params"][0].device)


def set_seed(attack: Any, seed: int, device: torch.device) -> None:
    """What an attack that starts at random starts from, as by `held` if it may be replayed."""
    if hasattr(attack, "seed"):
        attack.seed = held(attack.seed, seed, device) if alike(attack) else seed


def held(was: object, value: float, device: torch.device) -> float | Tensor:
    """The value; on a GPU in a tensor that stays in its place, if it was in one, for replays to read."""
    if device.type == "cpu":
        return value
    if isinstance(was, Tensor) and was.device == device:
        return was.fill_(value)
    return torch.tensor(value, device=device)


def alike(thing: object) -> bool:
    """Whether the very class of a game or an attack says so: what its subclasses do differently nobody knows."""
    return bool(vars(type(thing)).get("alike"))
