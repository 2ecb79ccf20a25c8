"""What adversarial training and cat and mouse have in common: a 1:1 mixture of clean and adversarial images."""

from abc import abstractmethod

import torch
from torch import Tensor

from mvm.attacks.attack import Attack
from mvm.games.one_player import OnePlayer
from mvm.games.remembered import Remembered, remembered


class Mixed(OnePlayer):
    """u descends on the risk of the mini-batch and its adversarial images: 128 images become 128 + 128."""

    against: Attack
    memory: Remembered | None = None  # of the images made against the target as it is now

    @abstractmethod
    def unchanged(self) -> int:
        """For how many iterations from here on the attack's target stays as it is."""

    def remember(self) -> None:
        """From here on; of what was made against another target nothing is kept."""
        self.memory = remembered(self, self.against, self.unchanged())

    def on_train_start(self) -> None:
        super().on_train_start()
        self.remember()

    def on_train_end(self) -> None:
        super().on_train_end()
        self.memory = None

    def loss(self, x: Tensor, y: Tensor) -> Tensor:
        z = self.memory(self.iteration, x, y) if self.memory else self.perturb(x, y)
        return self.f(torch.cat([x, z]), torch.cat([y, y]))
