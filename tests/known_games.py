"""Smooth two-player games min_u max_v f(u, v) whose minimax and maximin points are known.

Every f takes u (n, p) and v (n, q), n independent copies of the game, and returns n risks. All are played on
a box; the answers are derived beside each game and checked on a grid by test_known_games.py.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

pi = torch.pi


@dataclass
class KnownGame:
    """u_box, v_box: |u| <= u_box and |v| <= v_box; starts are drawn from half of it.

    minimax: the u* of min_u max_v f (any row), and its value; maximin: the v* of max_v min_u f, and its
    value. saddle: whether the two values agree.
    """

    name: str
    f: Callable[[Tensor, Tensor], Tensor]
    minimax: Tensor
    value: float
    maximin: Tensor
    lower: float
    u_box: float = 1.0
    v_box: float = 1.0

    @property
    def saddle(self) -> bool:
        return abs(self.value - self.lower) < 1e-6

    def project(self, u: Tensor, v: Tensor) -> None:
        u.clamp_(-self.u_box, self.u_box)
        v.clamp_(-self.v_box, self.v_box)


def plane(f: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Tensor, Tensor], Tensor]:
    """A function of two numbers as a function of (n, 1) and (n, 1)."""
    return lambda u, v: f(u[:, 0], v[:, 0])


def points(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)[:, None]


def seed_matrix(n: int, seed: int) -> Tensor:
    return torch.randn(n, n, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


A, U0, V0 = seed_matrix(20, 1) / 4, seed_matrix(20, 2)[0] / 4, seed_matrix(20, 3)[0] / 4


def twenty(u: Tensor, v: Tensor) -> Tensor:
    """Convex in u, concave in v, coupled by a random matrix: the saddle is (U0, V0)."""
    a, b = u - U0, v - V0
    return (a.square().sum(1) - b.square().sum(1)) / 4 + ((a @ A) * b).sum(1)


ROCK = torch.tensor([[0.0, 1.0, -1.0], [-1.0, 0.0, 1.0], [1.0, -1.0, 0.0]], dtype=torch.float64)


def rock_paper_scissors(u: Tensor, v: Tensor) -> Tensor:
    """Mixed strategies softmax(u, 0), softmax(v, 0), nine times the stakes: value 0, and both mix evenly, at 0."""
    p, q = (torch.nn.functional.pad(w, (0, 1)).softmax(1) for w in (u, v))
    return 9 * ((p @ ROCK) * q).sum(1)


def well(v: Tensor) -> Tensor:
    """Two wells at +-1/2."""
    return 8 * (v.square() - 0.25).square()


GAMES = [
    # Strictly convex in u, strictly concave in v.
    KnownGame("saddle", plane(lambda u, v: u**2 - v**2), points(0), 0.0, points(0), 0.0),
    # The same with a coupling four times as strong: max_v = 5 u^2 near 0.
    KnownGame("rotated saddle", plane(lambda u, v: u**2 - v**2 + 4 * u * v), points(0), 0.0, points(0), 0.0),
    # max_v = |u|, min_u = -|v|: nothing pulls to (0, 0), everything turns round it.
    KnownGame("bilinear", plane(lambda u, v: u * v), points(0), 0.0, points(0), 0.0),
    # max_v = |sin pi u|, so u* in {-1, 0, 1}; min_u = -|v|.
    KnownGame("seesaw", plane(lambda u, v: -v * torch.sin(pi * u)), points(-1, 0, 1), 0.0, points(0), 0.0),
    # max_v = u^3 for u >= 0, 3|u| - |u|^3 >= 0 for u < 0; min_u = min(3v^2 - 1, -2|v|^3),
    # largest where the two meet, 2|v|^3 + 3v^2 = 1: |v| = 1/2, value -1/4.
    KnownGame("monkey saddle", plane(lambda u, v: u**3 - 3 * u * v**2), points(0), 0.0, points(-0.5, 0.5), -0.25),
    # Concave in u, convex in v: max_v = 1 + 2|u| - u^2, the maximiser jumping from -1 to 1 at u* = 0.
    KnownGame("anti-saddle", plane(lambda u, v: v**2 - u**2 + 2 * u * v), points(0), 1.0, points(0), -1.0),
    # max_v is even in u and grows with |u|; the maximiser jumps from -1/2 to 1/2 at u* = 0. min_u = -2|v| -
    # well(v), largest at v = 0.
    KnownGame("jump", plane(lambda u, v: 2 * u * v - well(v)), points(0), 0.0, points(0), -0.5),
    # v runs away from u: max_v = (|u| + 1)^2 - 1/4; min_u = -v^2/4 at u = v.
    KnownGame("chase", plane(lambda u, v: (u - v) ** 2 - v**2 / 4), points(0), 0.75, points(0), 0.0),
    # Concave in u at every v, and yet max_v = u^2/3 (at v = 4u/3) has its minimum at 0: a leader's point that
    # no simultaneous play holds. min_u is at u = +-1: -5 - 8|v| - 3v^2.
    KnownGame(
        "leader's", plane(lambda u, v: -5 * u**2 + 8 * u * v - 3 * v**2), points(0), 0.0, points(0), -5.0, v_box=2.0
    ),
    # A saddle at v* = 1, the edge of the box, where df/dv does not vanish. max_v = (u - 0.3)^2 + u + 1.
    KnownGame("pinned", plane(lambda u, v: (u - 0.3) ** 2 + (u + 1) * v), points(-0.2), 1.05, points(1), 1.05),
    KnownGame(
        "rock-paper-scissors",
        rock_paper_scissors,
        torch.zeros(1, 2).double(),
        0.0,
        torch.zeros(1, 2).double(),
        0.0,
        4.0,
        4.0,
    ),
    KnownGame("20-dimensional", twenty, U0[None], 0.0, V0[None], 0.0, 2.0, 2.0),
]
