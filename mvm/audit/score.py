"""One defence against one attack, on the test set, with the attack made for that defence."""

import hashlib
import time

import torch
from torch import Tensor, nn

from mvm.attacks.attack import Attack, Progress
from mvm.attacks.attacked import attacked
from mvm.attacks.diversity import spread
from mvm.attacks.worst import wide
from mvm.audit.allowed import allowed
from mvm.audit.bits import pack
from mvm.audit.cell import Cell
from mvm.audit.wilson import wilson
from mvm.data.images import Images, chunk
from mvm.sensitivity import input_gradient
from mvm.tf32 import tf32
from mvm.threat import clip
from mvm.weights import digest


@tf32(False)
def score(classifier: nn.Module, attack: Attack, data: Images, progress: Progress) -> Cell:
    """The error rate of `classifier` on `attack`'s images of the test set, with its Wilson interval.

    A learned attack has to be trained before (`Attack.fit`). `predicted` counts the answers by class: an
    error near 0.9 may only mean that one class is answered everywhere. `wrong`: which images
    (`mvm.audit.bits`); `examples`: a hash of the images and labels. `reach`: the mean over images of
    ||z - x||_inf / eta; `spread`: how much perturbations differ between images (`mvm.attacks.diversity`).
    An attack that leaves the threat model counts as none, from which on `infeasible` says why (E01).
    `weights`: a hash of the classifier's (E23). `error_8bit`: the error on the same images as a file of
    8 bits a pixel would keep them (E29). `wrong_boxed`, of a learned attack without a box: which images its
    images cut to the box break (E08).
    """
    with attacked(classifier):
        guesses, kept, cut, d, infeasible = predict(classifier, attack, data, progress)
    y = data.test.y
    missed = guesses != y
    wrong, n = int(missed.sum()), len(y)
    low, high = wilson(wrong, n)
    cell = {
        "eta": attack.eta,
        "box": attack.box,
        "error": wrong / n,
        "n": n,
        "ci_low": low,
        "ci_high": high,
        "predicted": torch.bincount(guesses, minlength=int(y.max()) + 1).tolist(),
        "wrong": pack(missed.cpu().numpy()),
        "examples": examples(data),
        "weights": digest(classifier),
        "error_8bit": (kept != y).float().mean().item(),
        "reach": d.flatten(1).abs().amax(1).mean().item() / attack.eta if attack.eta else 0.0,
        "spread": spread(d, attack.eta),
    }
    if attack.fit_steps and not attack.box:
        cell["wrong_boxed"] = pack((cut != y).cpu().numpy())
    return cell | ({"infeasible": infeasible} if infeasible else {})


def predict(
    classifier: nn.Module, attack: Attack, data: Images, progress: Progress
) -> tuple[Tensor, Tensor, Tensor, Tensor, str | None]:
    """Answers on the attacked test set, (N,), in 8 bits and cut to the box, too (the latter of learned attacks only);
    z - x, on the CPU; how it was infeasible."""
    guesses: list[Tensor] = []
    kept: list[Tensor] = []
    cut: list[Tensor] = []
    moves: list[Tensor] = []
    infeasible: str | None = None
    wrong = 0
    for (x, y), unit in zip(data.test.chunks(), data.test.unit.split(chunk(data.test.x)), strict=True):
        z, why = allowed(classifier, attack, x, y)
        infeasible = infeasible or why
        with torch.no_grad():
            guesses.append(classifier(z).argmax(1))
            kept.append(classifier(eight_bits(z, x, unit)).argmax(1))
            cut.append(classifier(clip(z, x, attack.eta, box=True)).argmax(1) if attack.fit_steps else guesses[-1])
        moves.append((z - x).cpu())
        wrong += int((guesses[-1] != y).sum())
        done = sum(map(len, guesses))
        progress(done, len(data.test.y), f"error {wrong / done:.3f}")
    return torch.cat(guesses), torch.cat(kept), torch.cat(cut), torch.cat(moves), infeasible


def eight_bits(z: Tensor, x: Tensor, unit: Tensor) -> Tensor:
    """z with its pixels moved to the nearest of the levels, 1/255 apart on [0, 1], on which x itself lies.

    unit: (B,) the change of a [0, 1] pixel per unit of x (`mvm.data.images.Split`). The box is not enforced.
    """
    level = 1 / (255 * wide(unit, x))
    return x + ((z - x) / level).round() * level


def examples(data: Images) -> str:
    """12 hex digits of the hash of the test images and labels, in order: cells compare only where it is the same."""
    parts = (data.test.x.cpu().contiguous().numpy(), data.test.y.cpu().contiguous().numpy())
    return hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest()[:12]


def seconds_to_score(classifier: nn.Module, attacks: list[Attack], data: Images) -> float:
    """A forecast: input gradients and training steps of the attacks, at the measured price of a gradient."""
    x, y = (t[: chunk(t)] for t in (data.test.x, data.test.y))
    with attacked(classifier):
        input_gradient(classifier, x, y)  # the first call pays for setting up
        start = time.perf_counter()
        input_gradient(classifier, x, y)[1].sum().item()  # a GPU is waited for
    price = (time.perf_counter() - start) / len(x)
    images = sum((a.gradients + 0.5) * len(data.test.y) + a.fit_steps * 128 * 1.3 for a in attacks)
    return images * price
