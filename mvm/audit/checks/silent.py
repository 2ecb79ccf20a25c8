"""Whether an iterated attack throws away what it had found: E14."""

import torch
from torch import Tensor, nn

from mvm.attacks.attack import Attack, wrong
from mvm.audit.allowed import allowed
from mvm.audit.checks.verdict import WARN, Check, judge
from mvm.threat import feasible


class Witness(nn.Module):
    """A classifier that notes which images were ever broken by a feasible z, among queries of all images at once."""

    def __init__(self, classifier: nn.Module, attack: Attack, x: Tensor, y: Tensor) -> None:
        super().__init__()
        self.classifier, self.attack, self.x, self.y = classifier, attack, x, y
        self.hit = torch.zeros(len(x), dtype=torch.bool, device=x.device)

    def forward(self, z: Tensor) -> Tensor:
        logits = self.classifier(z)
        if z.shape == self.x.shape:
            inside = feasible(z.detach(), self.x, self.attack.eta, box=self.attack.box)
            self.hit |= inside & (logits.detach().argmax(1) != self.y)
        return logits


def silent(classifier: nn.Module, attack: Attack, x: Tensor, y: Tensor, name: str) -> Check:
    """E14: the images returned break as many as all iterates together, up to 0.2 % (silent successes).

    Iterates of later restarts, which get only some of the images, are not counted.
    """
    witness = Witness(classifier, attack, x, y)
    z, _ = allowed(witness, attack, x, y)
    last = wrong(classifier, z, y)
    lost = (witness.hit & ~last).float().mean().item()
    text = "silent successes: an earlier iterate broke images that the one returned does not"
    numbers = {"returned": last.float().mean().item(), "any_iterate": (witness.hit | last).float().mean().item()}
    return judge("E14", lost > 0.002, text, verdict=WARN, attack=name, lost=lost, n=len(y), **numbers)
