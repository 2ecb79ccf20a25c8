"""Adversarial training (Sec. 3.1) on a 1:1 mixture of clean and adversarial images."""

from typing import Any

import torch
from torch import Tensor, nn

from mvm.attacks.attack import Attack
from mvm.games.one_player import OnePlayer
from mvm.games.playable import fixed
from mvm.games.remembered import Remembered, remembered


class AdvTrain(OnePlayer):
    """u descends on the risk of the batch and its adversarial images: 128 images become 128 + 128.

    examples="fixed": made against `source`, a classifier that stays as it is, as in Sec. 3.1 (Adv FGSM1
    where source is the undefended classifier). examples="current": made against the defender itself at
    every iteration, the field's adversarial training. warm_start: start from source's weights (the
    paper says "retraining", no more).
    """

    against: Attack
    alike = True

    def __init__(
        self,
        defender: nn.Module,
        *,
        source: nn.Module,
        against: Attack,
        examples: str = "fixed",
        warm_start: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(defender, **kwargs)
        if examples not in ("fixed", "current"):
            raise ValueError(f"examples={examples!r}: must be fixed or current")
        if warm_start:
            defender.load_state_dict(source.state_dict())
        self.source = source.requires_grad_(False)
        self.against, self.examples = fixed(against), examples
        self.memory: Remembered | None = None

    def on_train_start(self) -> None:
        super().on_train_start()
        if self.examples == "fixed":
            self.memory = remembered(self, self.against, self.iterations - self.iteration)

    def on_train_end(self) -> None:
        super().on_train_end()
        self.memory = None

    def loss(self, x: Tensor, y: Tensor) -> Tensor:
        z = self.memory(self.iteration, x, y) if self.memory else self.perturb(x, y)
        return self.f(torch.cat([x, z]), torch.cat([y, y]))

    def perturb(self, x: Tensor, y: Tensor) -> Tensor:
        return self.against(self.source if self.examples == "fixed" else self.defender, x, y)
