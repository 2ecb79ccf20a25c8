"""Coverage and error rates on simulated data."""

import numpy as np
import pytest

from mvm.audit.bits import pack, unpack
from mvm.audit.bootstrap import paired_bootstrap
from mvm.audit.holm import holm
from mvm.audit.interval import interval
from mvm.audit.paired import paired
from mvm.audit.wilson import wilson


def simulated(random, seeds, n, p=0.2, difference=0.0, of_seed=0.0):
    """Wrong answers of two defences: images of different hardness, and seeds that differ by of_seed."""
    hard = random.normal(size=n)
    shift = random.normal(size=(2, seeds, 1)) * of_seed
    base = np.array([p + difference, p]).reshape(2, 1, 1)
    level = base + shift + 0.1 * np.tanh(hard)
    return random.random((2, seeds, n)) < level


def test_bits_come_back():
    wrong = np.random.default_rng(0).random(1003) < 0.3
    assert np.array_equal(unpack(pack(wrong), 1003), wrong) and len(pack(wrong)) < 180


@pytest.mark.parametrize("difference", [0.0, 0.05])
def test_the_paired_interval_covers_95_percent(difference):
    random = np.random.default_rng(1)
    hits = 0
    for _ in range(1000):
        a, b = simulated(random, 1, 400, difference=difference)
        _, low, high = paired(a[0], b[0])
        hits += low <= difference <= high
    assert 0.93 < hits / 1000 < 0.98


@pytest.mark.parametrize("seeds", [5, 10])
def test_the_bootstrap_covers_about_95_percent_over_seeds_and_images(seeds):
    """Seeds that differ by 3 points: an interval over images alone would cover much less."""
    random = np.random.default_rng(2)
    both, images = 0, 0
    for k in range(150):
        a, b = simulated(random, seeds, 200, difference=0.05, of_seed=0.03)
        found = paired_bootstrap(a, b, draws=300, seed=k)
        both += found.low <= 0.05 <= found.high
        one = paired(a[0], b[0])
        images += one[1] <= 0.05 <= one[2]
    assert 0.88 < both / 150 <= 1.0
    assert images / 150 < 0.88


def test_the_bootstrap_finds_a_difference_and_its_sign():
    random = np.random.default_rng(3)
    a, b = simulated(random, 5, 2000, difference=0.05)
    found, other = paired_bootstrap(a, b), paired_bootstrap(b, a)
    assert 0 < found.low < found.value < found.high and found.p <= 0.01 and other.high < 0
    same = paired_bootstrap(a, a)
    assert same.value == 0 and same.p == 1


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == [] and holm([0.9, 0.8]) == [1.0, 1.0]
    with pytest.raises(ValueError, match="p-values"):
        holm([1.5])


def test_holm_keeps_the_family_error_at_5_percent():
    random = np.random.default_rng(4)
    any_rejected = sum(min(holm(list(random.random(12)))) < 0.05 for _ in range(4000)) / 4000
    assert any_rejected < 0.06


@pytest.mark.parametrize("shapes", [((2, 3), (2, 4)), ((3,), (3,))])
def test_unpaired_data_are_refused(shapes):
    with pytest.raises(ValueError, match="shape"):
        paired_bootstrap(*(np.zeros(s, dtype=bool) for s in shapes))


@pytest.mark.parametrize("difference", [0.0, 0.1])
def test_the_bootstrap_of_losses_covers_95_percent(difference):
    """Losses of the same images, as unlike a bell as a cross-entropy is."""
    random = np.random.default_rng(6)
    hits, n = 0, 400
    for _ in range(500):
        common = random.exponential(1.0, n)
        a, b = common + random.exponential(0.3 + difference, n), common + random.exponential(0.3, n)
        found = paired_bootstrap(a[None], b[None], draws=500)
        hits += found.low <= difference <= found.high
    assert 0.92 < hits / 500 < 0.98


def test_pairing_makes_the_bootstrap_narrow():
    random = np.random.default_rng(5)
    hard = random.random(400) < 0.3
    a, b = ((hard | (random.random(400) < p))[None] for p in (0.10, 0.04))
    found = paired_bootstrap(a, b)
    assert found.high - found.low < 0.7 * 2 * 1.96 * np.sqrt((a.var() + b.var()) / 400)


def test_the_bootstrap_counts_seeds():
    same = np.zeros((3, 400), bool)
    left = same.copy()
    left[0] = True  # one seed of three fails wholly
    found = paired_bootstrap(left, same)
    assert found.low <= 0 and found.high > 0.6 and found.p > 0.5


def test_one_seed_is_wilsons():
    assert interval([0.2], 1000) == wilson(200, 1000)


def test_seeds_that_disagree_widen_it():
    agree, disagree = interval([0.2, 0.2, 0.2], 1000), interval([0.1, 0.2, 0.3], 1000)
    assert agree == wilson(200, 1000) and disagree[0] < agree[0] and disagree[1] > agree[1]
    assert disagree[1] - 0.2 == pytest.approx(4.303 * 0.1 / 3**0.5, rel=2e-4)
    assert interval([0.0, 1.0], 10) == (0.0, 1.0)


@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_the_interval_of_an_error_covers_95_percent_over_seeds(seeds):
    random = np.random.default_rng(7)
    hits = 0
    for _ in range(1000):
        rates = random.normal(0.2, 0.03, seeds).clip(0, 1)
        low, high = interval(list(random.binomial(1000, rates) / 1000), 1000)
        hits += low <= 0.2 <= high
    assert hits / 1000 > 0.93
