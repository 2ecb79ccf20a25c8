"""What needs other runs or the validation images: E25, E30, E33."""

from mvm.audit.checks.verdict import WARN, Check, judge


def seeds(number: int) -> Check:
    """E30: a comparison needs 3 seeds or more, better 5."""
    return judge("E30", number < 3, "fewer than 3 seeds", verdict=WARN, seeds=number)


def twin_broken(error: float, eta: float) -> Check:
    """E25: PGD at this eta breaks 95 % of an undefended net's images, or the attack itself is broken."""
    return judge("E25", error < 0.95, "PGD does not break the undefended net", error=error, eta=eta)


def same_distribution(wrong_test: int, n_test: int, wrong_val: int, n_val: int) -> Check:
    """E33: the clean errors on test and validation images differ by at most 4 standard errors and 1 point.

    More, and the test images or labels are not what the classifier was trained for: mislabelled, shuffled,
    scaled differently.
    """
    p, q = wrong_test / n_test, wrong_val / n_val
    both = (wrong_test + wrong_val + 1) / (n_test + n_val + 2)
    error = (both * (1 - both) * (1 / n_test + 1 / n_val)) ** 0.5
    bad = p - q > max(4 * error, 0.01)
    return judge(
        "E33", bad, "clean test error far above validation error: labels?", test=p, val=q, standard_error=error
    )
