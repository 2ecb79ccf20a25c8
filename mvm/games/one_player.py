"""Games in which only the defender learns: u descends on a loss, whatever the attack in it is."""

from abc import abstractmethod
from typing import Any

import torch
from torch import Tensor, nn

from mvm.games.game import Game, Optimizer
from mvm.leader_follower import descend
from mvm.numbers import check_positive


class OnePlayer(Game):
    """u <- u - lambda d loss/du. lambda_: the learning rate; u_optimizer: Adam, as in Appendix A; game: see `Game`."""

    def __init__(
        self,
        defender: nn.Module,
        *,
        lambda_: float,
        u_optimizer: Optimizer = torch.optim.Adam,
        **game: Any,
    ) -> None:
        super().__init__(defender, **game)
        check_positive(lambda_=lambda_)
        self.lambda_, self.u_optimizer = lambda_, u_optimizer

    @abstractmethod
    def loss(self, x: Tensor, y: Tensor) -> Tensor:
        """What u descends on, a scalar of the mini-batch."""

    def iterate(self, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        descend(self.loss(x, y), self.player(self.defender.parameters()))
        return {}

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return self.u_optimizer(self.defender.parameters(), lr=self.lambda_)
