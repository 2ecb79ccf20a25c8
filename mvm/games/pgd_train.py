"""PGD training (Madry et al., 2018): not in the paper, what a defence is measured by today."""

from torch import Tensor

from mvm.games.lwa_fgsm import LWAFGSM


class PGDTrain(LWAFGSM):
    """u descends on f(u, Z), with Z remade by an iterated attack at every iteration. No clean images.

    LWA with another attack, whose reach grows in the first `warm_up` of the game.
    """

    alike = True
    warms_up = True

    def loss(self, x: Tensor, y: Tensor) -> Tensor:
        return self.f(self.reached(self.perturb(x, y), x), y)
