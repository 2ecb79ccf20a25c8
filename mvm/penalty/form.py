"""What every form of the penalty's gradient takes and returns."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from torch import Tensor


class Penalised(NamedTuple):
    """At the current (u, v): f and ||df/dv||^2 as scalars, the gradient of Eq. (16) in u, and df/dv."""

    risk: Tensor
    norm: Tensor
    g_u: Sequence[Tensor]
    g_v: Sequence[Tensor]


Form = Callable[[Callable[[], Tensor], Sequence[Tensor], Sequence[Tensor], float], Penalised]
