"""Training images moved and mirrored at random: against a defender that knows its images by heart."""

import torch
import torch.nn.functional as F
from torch import Tensor


class Augment:
    """Images (B, C, H, W) up to `shift` pixels down or up, right or left; with `flip` half of them mirrored, by chance.

    What moves in at an edge is a copy of the edge. Raises `ValueError` for what is no such setting.
    """

    def __init__(self, shift: int = 0, flip: bool = False) -> None:
        if not isinstance(shift, int) or shift < 0 or flip not in (True, False):
            raise ValueError(f"shift={shift}, flip={flip}: must be 0 or more pixels, and true or false")
        self.shift, self.flip = shift, flip

    def __bool__(self) -> bool:
        return self.shift > 0 or self.flip

    def draw(self, n: int, seed: int) -> Tensor:
        """For n images how far down and to the right, 0 to 2 shift, and which of them are mirrored: (n, 3) int64."""
        generator = torch.Generator().manual_seed(seed)
        moves = torch.randint(0, 2 * self.shift + 1, (n, 2), generator=generator)
        mirrored = torch.randint(0, 2, (n, 1), generator=generator) * self.flip
        return torch.cat([moves, mirrored], 1)

    def __call__(self, x: Tensor, draws: Tensor) -> Tensor:
        """The images x as `draw` has them, draws (B, 3); x itself where nothing moves."""
        if not self:
            return x
        (n, _, h, w), (down, right, mirrored) = x.shape, draws.to(x.device).unbind(1)
        rows = 2 * self.shift - down[:, None] + torch.arange(h, device=x.device)
        columns = torch.arange(w, device=x.device).expand(n, w)
        columns = torch.where(mirrored[:, None] > 0, w - 1 - columns, columns) + (2 * self.shift - right[:, None])
        wider = F.pad(x, [self.shift] * 4, mode="replicate") if self.shift else x
        image = torch.arange(n, device=x.device)[:, None, None]
        return wider[image, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2).contiguous()


STILL = Augment()
