"""The cat-and-mouse game (Sec. 3.1): attack the classifier, retrain it on that attack, attack again, ..."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mvm.attacks.attack import Attack
from mvm.games.one_player import OnePlayer
from mvm.weights import save_weights


class CatMouse(OnePlayer):
    """FGSM1 -> Adv FGSM1 -> FGSM2 -> Adv FGSM2 -> ...

    Round k makes its examples (FGSMk) against the classifier as it was when the round began, and trains
    on the 1:1 mixture for `round_iterations`, from the current weights (the paper does not say whether
    retraining starts afresh, nor how long it lasts). The classifier attacked in round k + 1 is Adv FGSMk;
    round 1 attacks `source`. Every round's classifier is kept as rounds/<k>.safetensors in the run's
    folder, 0 being the source.
    """

    against: Attack

    def __init__(
        self,
        defender: nn.Module,
        *,
        source: nn.Module,
        against: Attack,
        rounds: int,
        round_iterations: int,
        **kwargs: Any,
    ) -> None:
        if rounds < 1 or round_iterations < 1:
            raise ValueError(f"rounds={rounds}, round_iterations={round_iterations}: must be 1 or more")
        super().__init__(defender, iterations=rounds * round_iterations, **kwargs)
        defender.load_state_dict(source.state_dict())
        self.target = source.requires_grad_(False)  # whom this round's attack is made against
        self.against, self.round_iterations = against, round_iterations

    def loss(self, x: Tensor, y: Tensor) -> Tensor:
        if self.iteration % self.round_iterations == 0:
            self.target.load_state_dict(self.defender.state_dict())
            self._keep_round()
        return self.f(torch.cat([x, self.perturb(x, y)]), torch.cat([y, y]))

    def _keep_round(self) -> None:
        rounds = Path(self.trainer.default_root_dir) / "rounds"
        save_weights(self.defender, rounds / f"{self.iteration // self.round_iterations:02d}.safetensors")

    def on_train_epoch_end(self) -> None:
        if self.iteration == self.iterations:
            self._keep_round()

    def perturb(self, x: Tensor, y: Tensor) -> Tensor:
        return self.against(self.target, x, y)
