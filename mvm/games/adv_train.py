"""Adversarial training (Sec. 3.1) on a 1:1 mixture of clean and adversarial images."""

from typing import Any

from torch import Tensor, nn

from mvm.attacks.attack import Attack
from mvm.games.mixed import Mixed
from mvm.games.playable import fixed
from mvm.numbers import check_flags


class AdvTrain(Mixed):
    """u descends on the risk of the batch and its adversarial images: 128 images become 128 + 128.

    examples="fixed": made against `source`, a classifier that stays as it is, as in Sec. 3.1 (Adv FGSM1
    where source is the undefended classifier). examples="current": made against the defender itself at
    every iteration, the field's adversarial training. warm_start: start from source's weights (the
    paper says "retraining", no more).
    """

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
        check_flags(warm_start=warm_start)
        if warm_start:
            defender.load_state_dict(source.state_dict())
        self.source = source.requires_grad_(False)
        self.against, self.examples = fixed(against), examples

    def unchanged(self) -> int:
        return self.iterations - self.iteration if self.examples == "fixed" else 0

    def perturb(self, x: Tensor, y: Tensor) -> Tensor:
        return self.against(self.source if self.examples == "fixed" else self.defender, x, y)
