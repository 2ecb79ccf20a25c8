"""How one member of `mvm.attacks.attnet_best` is trained."""

from dataclasses import dataclass

from torch import Tensor

from mvm.attacks.loss import choose_loss


@dataclass(frozen=True)
class Recipe:
    """loss: cross_entropy, margin or dlr; the margin is capped at `cap`, so that an image broken by so much
    leaves its place to the others. How much is worth asking for beyond the 0 at which it is broken: an image broken
    with room to spare takes others of its kind along, docs/attacks.md. penalty: weight of mean(p^2), p the output
    before tanh, which keeps tanh out of saturation (without it AttNet collapses on MNIST: one perturbation for
    every image).
    """

    loss: str = "margin"
    cap: float = 1.0
    penalty: float = 0.03
    dropout: float = 0.0

    def __post_init__(self) -> None:
        choose_loss(self.loss)
        if not (self.cap > 0 and self.penalty >= 0 and 0 <= self.dropout < 1):
            raise ValueError(f"{self}: needs cap > 0, penalty >= 0 and 0 <= dropout < 1")

    def gain(self, logits: Tensor, y: Tensor, p: Tensor) -> Tensor:
        """What the member ascends on, a scalar: logits (B, C), labels (B,), pre-activations p (B, ...)."""
        return self.gains(logits[None], y, p[None])[0]

    def gains(self, logits: Tensor, y: Tensor, p: Tensor) -> Tensor:
        """The same of K members of this recipe at once, (K,): logits (K, B, C), p (K, B, ...)."""
        k = len(logits)
        loss = choose_loss(self.loss)(logits.flatten(0, 1), y.repeat(k))
        if self.loss == "margin":
            loss = loss.clamp(max=self.cap)
        return loss.view(k, -1).mean(1) - self.penalty * p.square().flatten(1).mean(1)
