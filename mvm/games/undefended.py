"""The undefended classifier: trained on clean images only ("No defense" in the tables)."""

from torch import Tensor

from mvm.games.one_player import OnePlayer


class Undefended(OnePlayer):
    """u descends on f(u, X) for clean images X."""

    alike = True

    def loss(self, x: Tensor, y: Tensor) -> Tensor:
        return self.f(x, y)

    def perturb(self, x: Tensor, y: Tensor) -> Tensor:
        return x
