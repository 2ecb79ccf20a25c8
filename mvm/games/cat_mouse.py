"""The cat-and-mouse game (Sec. 3.1): attack the classifier, retrain it on that attack, attack again, ..."""

from bisect import bisect
from collections.abc import Mapping
from itertools import accumulate
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from mvm.attacks.attack import Attack
from mvm.games.mixed import Mixed
from mvm.games.playable import fixed
from mvm.weights import save_weights


class CatMouse(Mixed):
    """FGSM1 -> Adv FGSM1 -> FGSM2 -> Adv FGSM2 -> ...

    Round k makes its examples (FGSMk) against the classifier as it was when the round began, and trains
    on the 1:1 mixture for `round_iterations`, from the current weights (the paper does not say whether
    retraining starts afresh, nor how long it lasts). {1: 800, 3: 25, 76: 150} are 800 each for rounds 1
    and 2, 25 each from round 3 on and 150 each from round 76 on: a long game may be quick and yet the rounds which
    the tables name (Adv FGSM1, Adv FGSM2, Adv FGSM80) thorough. The classifier attacked in round k + 1 is Adv FGSMk;
    round 1 attacks `source`. Every round's classifier is kept as rounds/<k>.safetensors in the run's folder, 0 being
    the source.
    """

    alike = True

    def __init__(
        self,
        defender: nn.Module,
        *,
        source: nn.Module,
        against: Attack,
        rounds: int,
        round_iterations: int | Mapping[int, int],
        **kwargs: Any,
    ) -> None:
        self.ends = round_ends(rounds, round_iterations)
        super().__init__(defender, iterations=self.ends[-1], **kwargs)
        defender.load_state_dict(source.state_dict())
        self.target = source.requires_grad_(False)  # whom this round's attack is made against
        self.against = fixed(against)

    def prepare(self) -> None:
        if self.iteration == 0 or self.iteration in self.ends:
            self.target.load_state_dict(self.defender.state_dict())
            self._keep_round()
            self.remember()

    def progress(self) -> tuple[int, int]:
        """A round is a training of its own."""
        k = bisect(self.ends, self.iteration)
        start = self.ends[k - 1] if k else 0
        return self.iteration - start, self.ends[k] - start

    def unchanged(self) -> int:
        done, of = self.progress()
        return of - done

    def _keep_round(self) -> None:
        rounds = Path(self.trainer.default_root_dir) / "rounds"
        save_weights(self.defender, rounds / f"{bisect(self.ends, self.iteration):02d}.safetensors")

    def on_train_epoch_end(self) -> None:
        if self.iteration == self.iterations:
            self._keep_round()

    def perturb(self, x: Tensor, y: Tensor) -> Tensor:
        return self.against(self.target, x, y)


def round_ends(rounds: int, round_iterations: int | Mapping[int, int]) -> list[int]:
    """The iteration at which each round is over. Raises ValueError if there is no round, or one without iterations."""
    since: dict[Any, Any] = dict(round_iterations) if isinstance(round_iterations, Mapping) else {1: round_iterations}
    if 1 not in since or any(not isinstance(n, int) or n < 1 for n in (rounds, *since, *since.values())):
        raise ValueError(
            f"rounds={rounds}, round_iterations={round_iterations}: must be whole numbers, 1 or more; round_iterations "
            f"may be {{1: 400, 3: 25}}: 400 each from round 1 on, 25 each from round 3 on"
        )
    starts = sorted(since)
    return list(accumulate(since[starts[bisect(starts, k) - 1]] for k in range(1, rounds + 1)))
