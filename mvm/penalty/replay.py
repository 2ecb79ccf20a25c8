"""Two evaluations of f on the same random numbers: the same dropout masks, the same mini-batch."""

import torch
from torch import Tensor


class Replay:
    """`again()` inside the block puts torch's generators back to where they stood at its beginning.

    After the block they stand where one evaluation leaves them, provided that the last one began with `again()`.
    """

    def __enter__(self) -> "Replay":
        self.cpu: Tensor = torch.get_rng_state()
        self.cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []
        return self

    def again(self) -> None:
        torch.set_rng_state(self.cpu)
        if self.cuda:
            torch.cuda.set_rng_state_all(self.cuda)

    def __exit__(self, *_: object) -> None:
        pass
