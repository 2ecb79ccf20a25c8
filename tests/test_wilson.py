import pytest
import torch

from mvm.audit.wilson import wilson


def test_known_interval():
    assert wilson(10, 100) == pytest.approx((0.0552291, 0.1743657), abs=1e-6)
    assert wilson(0, 50)[0] == 0 and wilson(50, 50)[1] == pytest.approx(1)


@pytest.mark.parametrize("p", [0.005, 0.1, 0.5, 0.97])
def test_covers_95_percent(p):
    torch.manual_seed(0)
    draws = torch.distributions.Binomial(1000, torch.tensor(p)).sample((4000,))
    covered = [low <= p <= high for low, high in (wilson(int(k), 1000) for k in draws)]
    assert 0.93 < sum(covered) / len(covered) < 0.98


@pytest.mark.parametrize(("wrong", "n"), [(-1, 10), (11, 10), (0, 0)])
def test_impossible_counts(wrong, n):
    with pytest.raises(ValueError, match="wrong="):
        wilson(wrong, n)
