"""The leader's step as other libraries have it: .venv-bench/bin/python -m tests.benchmarks.leaders [rounds] [busy].

One iteration each of a game with our nets: u's gradient, Adam's step of u, one ascent of v. What they compute:

torch           d/du [f + gamma/2 ||df/dv||^2] as it stands, and another gradient for v: Eq. (16), exact
higher, torchopt  d/du f(u, v + s df/dv) through a differentiable SGD step: Eq. (16) at gamma = 2 s to first
                order, so s = gamma / 2; with a differentiable Adam, another metric of v
betty           the follower's step v' first, then df/du + (d2f/dudv) df/dv at v' by a central difference
                (`darts`): gamma is 1 and cannot be set

Rows go into outputs/bench/bench.csv; a library that does not import gets a row that says so. Then prints how far
each gradient is from Eq. (16) and from what is said here, in float64 without dropout (their evaluations of f draw
dropout masks of their own).
"""

import sys
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from mvm.leader_follower import iterate
from mvm.penalty import FORMS, Through, form
from mvm.penalty.moved import moved
from tests.benchmarks.accuracy import flat, report
from tests.benchmarks.nets import Nets
from tests.benchmarks.steps import player, rows, timed, write
from tests.benchmarks.turns import begin

GAMMA, S = 1.0, 0.5
Gradient = Callable[[], list[Tensor]]  # of u; v moves on the way


def torch_double(nets: Nets) -> Gradient:
    def gradient() -> list[Tensor]:
        f = nets.loss(nets.g(nets.z()))
        g_v = torch.autograd.grad(f, nets.v, create_graph=True)
        total = f + GAMMA / 2 * sum(g.square().sum() for g in g_v)
        total.backward()  # reaches v, too, as it does for whoever does not know better
        g_u = [p.grad for p in nets.u]
        for p in [*nets.u, *nets.v]:
            p.grad = None
        with torch.no_grad():
            for p, g in zip(nets.v, g_v, strict=True):
                p.add_(S * g)
        return g_u

    return gradient


def with_higher(nets: Nets, optimizer: type[torch.optim.Optimizer]) -> Gradient:
    import higher

    inner = optimizer(nets.a.parameters(), lr=S if optimizer is torch.optim.SGD else 1e-3)

    def gradient() -> list[Tensor]:
        with higher.innerloop_ctx(nets.a, inner) as (a, steps):
            steps.step(-nets.loss(nets.g(a(nets.x, nets.y))))
            g_u = torch.autograd.grad(nets.loss(nets.g(a(nets.x, nets.y))), nets.u)
            with torch.no_grad():
                for p, new in zip(nets.a.parameters(), a.parameters(), strict=True):
                    p.copy_(new)
        return list(g_u)

    return gradient


def with_torchopt(nets: Nets, name: str) -> Gradient:
    import torchopt

    how = {"lr": S} if name == "MetaSGD" else {"lr": 1e-3, "eps_root": 1e-16}  # without it: nan
    inner = getattr(torchopt, name)(nets.a, **how)

    def gradient() -> list[Tensor]:
        inner.step(-nets.loss(nets.g(nets.z())))
        g_u = torch.autograd.grad(nets.loss(nets.g(nets.z())), nets.u)
        torchopt.stop_gradient(nets.a)
        torchopt.stop_gradient(inner)
        return list(g_u)

    return gradient


def with_betty(nets: Nets) -> Gradient:
    from betty.configs import Config, EngineConfig
    from betty.engine import Engine
    from betty.problems import ImplicitProblem

    class Follower(ImplicitProblem):
        def training_step(self, batch: Any) -> Tensor:
            return -nets.loss(self.leader(self.module(*batch)))

        def get_batch(self) -> Any:
            return nets.x, nets.y

    class Leader(Follower):
        def training_step(self, batch: Any) -> Tensor:
            return nets.loss(self.module(self.follower(*batch)))

        def custom_optimizer_step(self) -> None:  # keeps the gradient; Adam's step is taken where all have it
            self.kept = [p.grad.clone() for p in self.trainable_parameters()]

    leader = Leader("leader", Config(retain_graph=True), nets.g, torch.optim.SGD(nets.u, lr=1.0))
    follower = Follower("follower", Config(type="darts", unroll_steps=1), nets.a, torch.optim.SGD(nets.v, lr=S))
    both = {"u2l": {leader: [follower]}, "l2u": {follower: [leader]}}
    engine = Engine([leader, follower], EngineConfig(), both)

    def gradient() -> list[Tensor]:
        engine.train_step()
        return leader.kept

    return gradient


PEERS: dict[str, Callable[[Nets], Gradient]] = {
    "torch": torch_double,
    "higher-sgd": lambda nets: with_higher(nets, torch.optim.SGD),
    "higher-adam": lambda nets: with_higher(nets, torch.optim.Adam),
    "torchopt-sgd": lambda nets: with_torchopt(nets, "MetaSGD"),
    "torchopt-adam": lambda nets: with_torchopt(nets, "MetaAdam"),
    "betty-darts": with_betty,
}
UNROLLED = ("higher-sgd", "torchopt-sgd")
OURS = ("linear", "lookahead", "carried")


def found(net: str) -> tuple[dict[str, Callable[[], object]], dict[str, str]]:
    """Whole iterations by name, and why the other libraries have none."""
    steps: dict[str, Callable[[], object]] = {}
    missing: dict[str, str] = {}
    for name in OURS:
        nets = Nets(net)
        u, v, f = player(nets.u, 1e-4), player(nets.v, 1e-3), nets.f()
        made = form(name, nets.v)
        steps[f"minimax-{name}"] = lambda f=f, u=u, v=v, made=made: iterate(f, u, v, gamma=GAMMA, penalty=made)
    for name, peer in PEERS.items():
        nets = Nets(net)
        try:
            gradient, u = peer(nets), player(nets.u, 1e-4)
            gradient()
            steps[name] = lambda gradient=gradient, u=u: u.move(gradient())
        except Exception as why:
            missing[name] = f"{type(why).__name__}: {why}".splitlines()[0][:100]
    return steps, missing


def compare(net: str) -> None:
    """Each gradient in float64, dropout off, after 20 steps of Alt; to Eq. (16), and to what it should be."""
    start = Nets(net)
    u, v = player(start.u, 1e-4), player(start.v, 1e-3)
    for _ in range(20):
        iterate(start.f(), u, v)
    for name, peer in PEERS.items():
        nets = Nets(net)
        nets.g.load_state_dict(start.g.state_dict()), nets.a.load_state_dict(start.a.state_dict())
        nets.g.double(), nets.a.double().eval()
        nets.x = nets.x.double()
        f = nets.f()
        exact = FORMS["double"](f, nets.u, nets.v, GAMMA)
        plain = flat(torch.autograd.grad(f(), nets.u))
        whole = flat(exact.g_u)
        said = {"torch": whole, "betty-darts": ahead(f, nets, exact.g_v)} | dict.fromkeys(UNROLLED, unroll(f, nets))
        try:
            ours = flat(peer(nets)())
        except Exception:
            continue
        print(
            f"  {net} {name:14s} Eq. (16) {report(ours, whole)}, its mixed term {report(ours - plain, whole - plain)}"
        )
        if name in said:
            print(f"{'':12s}what it should be: {report(ours, said[name])}", flush=True)


def unroll(f: Through, nets: Nets) -> Tensor:
    """d/du f(u, v + S df/dv), written out."""
    names = [name for name, _ in nets.a.named_parameters()]
    g_v = torch.autograd.grad(f(), nets.v, create_graph=True)
    v = {name: p + S * g for name, p, g in zip(names, nets.v, g_v, strict=True)}
    z = torch.func.functional_call(nets.a, v, (nets.x, nets.y))
    return flat(torch.autograd.grad(nets.loss(nets.g(z)), nets.u))


def ahead(f: Through, nets: Nets, g_v: Any) -> Tensor:
    """Eq. (16) with gamma = 1 at v + S df/dv."""
    with moved(nets.v, g_v, S):
        return flat(FORMS["double"](f, nets.u, nets.v, 1.0).g_u)


if __name__ == "__main__":
    clock, where = begin()
    count = int(sys.argv[1]) if sys.argv[1:] and sys.argv[1].isdigit() else 21
    for net in ("mnist", "cifar10"):
        steps, missing = found(net)
        times = timed(steps, count, clock)
        pairs = [(f"minimax-{ours}", peer, None) for peer in PEERS if peer in steps for ours in OURS]
        blank = {column: "" for column in ("ours_ms", "other_ms", "ratio", "target")}
        absent = [
            {"name": f"{net}/minimax-linear:{peer}", **blank, "spread": why, "machine": where}
            for peer, why in missing.items()
        ]
        write(rows(net, times, where, pairs) + absent)
    for net in ("mnist", "cifar10"):
        compare(net)
