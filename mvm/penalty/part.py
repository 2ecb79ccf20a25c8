"""The mixed second derivative of a part of the batch."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from mvm.errors import UserError
from mvm.penalty.double import refuse_compiled
from mvm.penalty.form import Penalised
from mvm.penalty.image import image
from mvm.penalty.through import check_through, pushed
from mvm.sensitivity import squared_norm

SHARE = 0.25  # of the batch


def part(
    f: Callable[[], Tensor], u: Sequence[Tensor], v: Sequence[Tensor], gamma: float, share: float = SHARE
) -> Penalised:
    """df/du + gamma (d2f_S/dudv) d: f and d = df/dv of all N images, f_S the mean risk of the first share * N.

    Where every order of the batch is as likely as any other, as in a shuffled one, the mean over the orders is the
    exact mixed term, since d is the same for all. (Half the squared norm of df_S/dv would not do: its gradient
    has the noise of S in both of its factors.) share = 1 is `image`.

    S is differentiated twice, the others once: 3 + 3 share forward passes of multiply-adds. The loss must be
    a mean over images, and these must not meet in the net. Raises ValueError unless f is a `Through`, `UserError` for
    a risk inside torch.compile and for batch statistics.
    """
    f = check_through(f, "part")
    layers = f.net.modules() if isinstance(f.net, nn.Module) else ()
    if any(isinstance(layer, _BatchNorm) and layer.training for layer in layers):
        raise UserError("penalty=part takes a part of the batch, whose statistics are others: use penalty=image")
    z = f.z()
    n = len(z)
    s = max(1, round(share * n))
    if s == n:
        return image(replace(f, z=lambda: z), u, v, gamma)
    first, rest = (rows.requires_grad_(True) for rows in z.detach().split([s, n - s]))
    logits, others = f.net(first.clone()), f.net(rest.clone())  # the net may work in place
    plain = torch.autograd.grad(f.loss(torch.cat([logits.detach(), others])), [*u, rest], materialize_grads=True)
    value = f.loss(torch.cat([logits, others.detach()]))
    refuse_compiled(value)
    (g_first,) = torch.autograd.grad(value, first, create_graph=True)
    d, w = pushed(z, v, torch.cat([g_first, plain[-1]]))
    of_s = torch.autograd.grad(
        [value, g_first], u, [torch.ones_like(value), gamma * n / s * w[:s]], materialize_grads=True
    )
    return Penalised(value, squared_norm(d), [a + b for a, b in zip(plain[:-1], of_s, strict=True)], d)
