"""Ways to differentiate the penalised risk f + gamma/2 ||df/dv||^2 of Eqs. (7) and (16) in u, one file each.

Every form is called (f, u, v, gamma): f a closure, u and v lists of leaf tensors that it depends on.
Nothing is moved and no `.grad` is touched. `double`, `jvp`, `image` and `linear` are exact, and `exact` is the
faster one of the last two that the net allows; `fd` and `lookahead` are not exact (see their docstrings).
"""

from mvm.penalty.double import double
from mvm.penalty.exact import exact
from mvm.penalty.fd import fd
from mvm.penalty.form import Form, Penalised
from mvm.penalty.image import image
from mvm.penalty.jvp import jvp
from mvm.penalty.linear import linear
from mvm.penalty.lookahead import lookahead
from mvm.penalty.through import Through

FORMS: dict[str, Form] = {
    "double": double,
    "jvp": jvp,
    "image": image,
    "linear": linear,
    "exact": exact,
    "fd": fd,
    "lookahead": lookahead,
}
THROUGH = ("exact", "linear", "image")  # forms that need a `Through`

__all__ = ["FORMS", "THROUGH", "Form", "Penalised", "Through", "check_penalty", *FORMS]


def check_penalty(penalty: str, allowed: tuple[str, ...] = tuple(FORMS)) -> None:
    """ValueError unless `penalty` is one of `allowed`."""
    if penalty not in allowed:
        raise ValueError(f"penalty={penalty!r}: must be one of {', '.join(allowed)}")
