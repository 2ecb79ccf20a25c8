import pytest
import torch

from mvm.threat import Infeasible, check_eta, check_feasible, clip, describe


def test_eq2_clip_by_hand():
    x = torch.tensor([-1.0, -0.9, 0.0, 0.8, 1.0])
    z = torch.tensor([-3.0, -0.7, 0.5, 0.7, 1.2])
    torch.testing.assert_close(clip(z, x, 0.3, box=True), torch.tensor([-1.0, -0.7, 0.3, 0.7, 1.0]))
    torch.testing.assert_close(clip(z, x, 0.3, box=False), torch.tensor([-1.3, -0.7, 0.3, 0.7, 1.2]))


@pytest.mark.parametrize("eta", [-0.1, 2.1, float("nan"), float("inf"), "0.3", None])
def test_eta_outside_0_to_2_is_refused(eta):
    with pytest.raises(ValueError, match="must be a number in"):
        check_eta(eta)


@pytest.mark.parametrize(
    ("move", "box", "message"),
    [(0.301, False, "moved a pixel"), (float("nan"), False, "moved a pixel"), (0.2, True, "left the pixel box")],
)
def test_infeasible_images_are_caught(move, box, message):
    x = torch.full((2, 1, 2, 2), 0.9)
    with pytest.raises(Infeasible, match=message):
        check_feasible(x + move, x, 0.3, box=box, name="attack")


def test_images_that_are_not_in_the_box_are_not_the_attacks_fault():
    x = torch.full((2, 1, 2, 2), 3.0)
    with pytest.raises(ValueError, match=r"pixels up to 3: mine takes images in \[-1, 1\]"):
        check_feasible(clip(x, x, 0.3, box=True), x, 0.3, box=True, name="mine")


def test_rounding_in_float32_is_not_infeasible():
    x = torch.rand(100, 1, 8, 8) * 2 - 1
    check_feasible(x + 0.3, x, 0.3, box=False, name="attack")
    with pytest.raises(Infeasible):
        check_feasible(x + 0.3 + 2e-5, x, 0.3, box=False, name="attack")


def test_eta_is_shown_with_its_epsilon():
    assert "epsilon = 0.3 on [0, 1] (76.5/255)" in describe(0.6, torch.full((3,), 0.5))
    assert "0.02 to 0.06" in describe(0.1, torch.tensor([0.2, 0.6]))
