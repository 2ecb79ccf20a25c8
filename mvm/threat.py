"""The threat model: the l_inf ball of radius eta around each image, and the box of pixels [-1, 1].

Images live in [-1, 1] (Sec. 3.1), so eta here is twice the field's epsilon on [0, 1]; on CIFAR-10, where each image is
standardised, another multiple for each image (`describe`), and the box is mean +- 2 standard deviations of it.
"""

import math

import torch
from torch import Tensor

LOW, HIGH = -1.0, 1.0


class Infeasible(RuntimeError):
    """An attack returned something outside the ball or the box, or something that is not finite."""


def check_eta(eta: float) -> float:
    """eta itself, or ValueError unless 0 <= eta <= 2 (beyond 2 every image reaches every other)."""
    if not (isinstance(eta, (int, float)) and math.isfinite(eta) and 0 <= eta <= HIGH - LOW):
        raise ValueError(
            f"eta={eta}: the radius of the l_inf ball on images in [-1, 1] must be a number "
            f"in [0, 2] (the paper uses 0.1 to 0.6)"
        )
    return float(eta)


def clip(z: Tensor, x: Tensor, eta: float, *, box: bool) -> Tensor:
    """Eq. (2)'s clip: min{1, x + eta, max{-1, x - eta, z}}. Without `box` the +-1 are left out."""
    z = torch.maximum(torch.minimum(z, x + eta), x - eta)
    return z.clamp(LOW, HIGH) if box else z


def middle(x: Tensor, eta: float, *, box: bool) -> tuple[Tensor, Tensor]:
    """Midpoint and half width, both like x, of what each pixel may become: the ball cut with the box.

    mid + half tanh(p) is then feasible for any p, and smooth in it, where clipping has dead pixels.
    """
    low, high = clip(x - eta, x, eta, box=box), clip(x + eta, x, eta, box=box)
    return (low + high) / 2, (high - low) / 2


def feasible(z: Tensor, x: Tensor, eta: float, *, box: bool) -> Tensor:
    """Which of the images z (B, ...) are finite, within eta of x and (with `box`) within [-1, 1]; (B,) bool.

    The tolerance is that of `check_feasible`.
    """
    slack = eta * 1e-5 + 1e-6
    inside = (z - x).flatten(1).abs().amax(1) <= eta + slack  # False for nan
    return inside & (z.flatten(1).abs().amax(1) <= HIGH + slack) if box else inside


def check_feasible(z: Tensor, x: Tensor, eta: float, *, box: bool, name: str) -> None:
    """Raise `Infeasible` unless z is finite, within eta of x and (with `box`) within [-1, 1]; where that is since x
    is not, ValueError.

    The tolerance is eta * 1e-5 + 1e-6: float32 rounds x + eta.
    """
    if z.shape != x.shape:
        raise Infeasible(f"{name} returned shape {tuple(z.shape)} for images of shape {tuple(x.shape)}")
    if z.numel() == 0:
        return
    slack = eta * 1e-5 + 1e-6
    distance, reach = (z - x).abs().max().item(), z.abs().max().item()
    in_ball, in_box = distance <= eta + slack, not box or reach <= HIGH + slack  # false for nan
    if in_ball and in_box:
        return
    given = x.abs().max().item()
    if box and not given <= HIGH + slack:
        raise ValueError(f"images with pixels up to {given:.6g}: {name} takes images in [-1, 1]; rescale them")
    if not in_ball:
        raise Infeasible(f"{name} moved a pixel by {distance:.6g}; the ball has radius eta={eta:g}")
    raise Infeasible(f"{name} left the pixel box [-1, 1]: largest |pixel| {reach:.6g}")


def describe(eta: float, unit: Tensor) -> str:
    """eta with its epsilon on [0, 1] and in steps of 1/255.

    unit: (n,) the change of a [0, 1] pixel per unit of the network's input; it is 0.5 wherever
    [-1, 1] is a plain rescaling, and differs per image where images are standardised (CIFAR-10).
    """
    epsilon = eta * unit
    mean, low, high = epsilon.mean().item(), epsilon.min().item(), epsilon.max().item()
    text = f"eta = {eta:g} on [-1, 1], epsilon = {mean:.3g} on [0, 1] ({mean * 255:.3g}/255)"
    if high - low > 1e-6:
        text += f", mean over images; {low:.2g} to {high:.2g}"
    return text
