"""Ways to differentiate the penalised risk f + gamma/2 ||df/dv||^2 of Eqs. (7) and (16) in u, one file each.

Every form is called (f, u, v, gamma): f a closure, u and v lists of leaf tensors that it depends on.
Nothing is moved and no `.grad` is touched. `double`, `jvp` and `image` are exact; `fd` and `lookahead`
are not (see their docstrings).
"""

from mvm.penalty.double import double
from mvm.penalty.fd import fd
from mvm.penalty.form import Form, Penalised
from mvm.penalty.image import Through, image
from mvm.penalty.jvp import jvp
from mvm.penalty.lookahead import lookahead

FORMS: dict[str, Form] = {"double": double, "jvp": jvp, "fd": fd, "image": image, "lookahead": lookahead}

__all__ = ["FORMS", "Form", "Penalised", "Through", "check_penalty", "double", "fd", "image", "jvp", "lookahead"]


def check_penalty(penalty: str, allowed: tuple[str, ...] = tuple(FORMS)) -> None:
    """ValueError unless `penalty` is one of `allowed`."""
    if penalty not in allowed:
        raise ValueError(f"penalty={penalty!r}: must be one of {', '.join(allowed)}")
