"""What changes in the course of a game: the defender's learning rate and the attacker's reach."""

from torch import Tensor

from mvm.numbers import number

SCHEDULES = ("constant", "rise", "cycle")
RISE, PEAK = 0.25, 0.3


def check_course(lambda_schedule: str, warm_up: float) -> None:
    """ValueError for a course that is not known, or a warm-up that is no share of the game."""
    if lambda_schedule not in SCHEDULES:
        raise ValueError(f"lambda_schedule={lambda_schedule!r}: must be one of {', '.join(SCHEDULES)}")
    if not number(warm_up) or not 0 <= warm_up < 1:
        raise ValueError(f"warm_up={warm_up}: must be a share of the iterations, in [0, 1)")


def rate(schedule: str, i: int, iterations: int) -> float:
    """lambda_i of Alg. 1 over lambda_, at iteration i = 0, 1, ... of so many.

    rise: linear, to 1 within RISE of the game, where it stays: at the full rate Adam's first steps take a trained net
    farther from where it was than longer training at a smaller rate does (docs/tables.md).
    cycle: one linear rise to 1, reached after PEAK of the game, and one linear fall to 0 (Smith, 2018), with which
    fast adversarial training goes ten times as far in the same number of steps (Wong et al., 2020).
    """
    if schedule == "constant":
        return 1.0
    if schedule == "rise":
        return min(1.0, (i + 1) / (RISE * iterations))
    return min((i + 1) / (PEAK * iterations), (iterations - i) / ((1 - PEAK) * iterations), 1.0)


def reach(i: int, iterations: int, warm_up: float) -> float:
    """The share of eta that the attacker may use at iteration i: it grows from 0 to 1 in the first `warm_up`."""
    return min(1.0, (i + 1) / (warm_up * iterations)) if warm_up else 1.0


def shrunk(z: Tensor, x: Tensor, share: float) -> Tensor:
    """z moved towards x until its perturbation is this share of itself: in the ball and the box if z is."""
    return z if share == 1 else x + share * (z - x)
