"""The Lightning callback that shows a run: how long it will take, then a bar with risk and error."""

import time
from collections.abc import Callable

import pytorch_lightning as pl

from mvm.games.game import Game


class Watch(pl.Callback):
    """Calls `progress(done, of, text)` after every block, and `announce(seconds per iteration)` once.

    The price is that of the second block: the first one pays for setting up.
    """

    def __init__(self, progress: Callable[[int, int, str], None], announce: Callable[[float], None]) -> None:
        self.progress, self.announce = progress, announce
        self.ends: list[tuple[float, int]] = []  # when the first two blocks ended, and at which iteration

    def on_train_batch_end(
        self, trainer: pl.Trainer, game: pl.LightningModule, outputs: object, batch: object, _: int
    ) -> None:
        """Show the progress of a block; after the second one, announce the seconds an iteration."""
        assert isinstance(game, Game)
        if len(self.ends) < 2:
            self.ends.append((time.perf_counter(), game.iteration))
            if len(self.ends) == 2:
                (t0, i0), (t1, i1) = self.ends
                self.announce((t1 - t0) / (i1 - i0))
        risk, error = float(game.seen["risk"]), float(game.seen["error"])
        self.progress(game.iteration, game.iterations, f"risk {risk:.3f}  error {error:.3f}")
