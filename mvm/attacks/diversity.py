"""How much an attack's perturbations differ between images."""

from torch import Tensor


def spread(d: Tensor, eta: float) -> float:
    """Standard deviation across images of each pixel's perturbation, averaged over pixels, in units of eta.

    d = z - x: (N, ...). 0: every image gets the same perturbation, as a collapsed network gives;
    about 1: fair coins (`mvm.attacks.noise`). 0 for fewer than two images, and for eta = 0.
    """
    if len(d) < 2 or eta == 0:
        return 0.0
    return d.flatten(1).std(0, correction=0).mean().item() / eta
