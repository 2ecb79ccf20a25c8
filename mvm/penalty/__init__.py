"""Ways to differentiate the penalised risk f + gamma/2 ||df/dv||^2 of Eqs. (7) and (16) in u, one file each.

Every form is called (f, u, v, gamma): f a closure, u and v lists of leaf tensors that it depends on.
Nothing is moved, but for the running statistics of batch norm in training, and no `.grad` is touched. `double`, `jvp`,
`image` and `linear` are exact, and `exact` is the faster one of the last two that the net allows; `part`, `lookahead`,
`carried` and `fd` are not exact (see their docstrings). `every` is a schedule of gamma, for any of them.
"""

from collections.abc import Sequence

from torch import Tensor

from mvm.penalty.carried import Carried
from mvm.penalty.double import double
from mvm.penalty.every import every
from mvm.penalty.exact import exact
from mvm.penalty.fd import fd
from mvm.penalty.form import Form, Penalised
from mvm.penalty.image import image
from mvm.penalty.jvp import jvp
from mvm.penalty.linear import linear
from mvm.penalty.lookahead import lookahead
from mvm.penalty.part import part
from mvm.penalty.through import Through

FORMS: dict[str, Form] = {
    "double": double,
    "jvp": jvp,
    "image": image,
    "linear": linear,
    "exact": exact,
    "part": part,
    "lookahead": lookahead,
    "fd": fd,
}
THROUGH = ("exact", "linear", "image", "part")  # forms that need a `Through`
TWICE = ("fd", "lookahead")  # forms that evaluate f twice on the same random numbers
NAMES = (*FORMS, "carried")  # carried has a memory: `form` makes it

__all__ = [
    "FORMS",
    "NAMES",
    "THROUGH",
    "Carried",
    "Form",
    "Penalised",
    "Through",
    "check_penalty",
    "every",
    "form",
    "twice",
    *FORMS,
]


def check_penalty(penalty: str, allowed: tuple[str, ...] = NAMES) -> None:
    """ValueError unless `penalty` is one of `allowed`."""
    if penalty not in allowed:
        raise ValueError(f"penalty={penalty!r}: must be one of {', '.join(allowed)}")


def twice(penalty: str | Form) -> str:
    """That the form draws random numbers twice, which no recording can (`mvm.graphed`); empty where it does not."""
    return f"penalty={penalty} draws random numbers twice" if penalty in TWICE else ""


def form(penalty: str, v: Sequence[Tensor]) -> Form:
    """The form of that name for one game, in which v follows; ValueError for a name that is none."""
    check_penalty(penalty)
    return Carried(v) if penalty == "carried" else FORMS[penalty]
