"""An attack made on another classifier: the sample sets FGSM1, FGSM2, ..., FGSM80 of Tables 3 and 8."""

from collections.abc import Callable
from pathlib import Path

from torch import Tensor, nn

from mvm.attacks.attack import Attack, Classifier
from mvm.weights import load_weights


class Transfer(Attack):
    """z made on `victim` and shown to whoever is scored: one sample set for every defence.

    FGSM(k+1) is FGSM made on Adv FGSMk, the classifier of round k of cat and mouse; Adv FGSM0 is the
    undefended one (Sec. 3.1). method: a callable (eta=, box=) -> attack. weights: the victim's, a file
    of `mvm.weights.save_weights`; null: the victim as it is, which only tests want. source and round say
    where the entry point finds that file: a game of conf/game, and a kept round of it, counted as Python
    counts (-2: the last but one); null: the defender as that game ended. Raises `UserError` for weights
    that are damaged or of another network.
    """

    def __init__(
        self,
        *,
        eta: float,
        box: bool,
        method: Callable[..., Attack],
        victim: nn.Module,
        source: str,
        round: int | None = None,
        weights: str | None = None,
    ) -> None:
        super().__init__(eta=eta, box=box)
        self.method, self.source, self.round = method(eta=eta, box=box), source, round
        if weights is not None:
            load_weights(victim, Path(weights))
        self.victim = victim.requires_grad_(False).eval()

    def perturb(self, classifier: Classifier, x: Tensor, y: Tensor) -> Tensor:
        return self.method(self.victim.to(x), x, y)

    @property
    def gradients(self) -> int:
        return self.method.gradients
