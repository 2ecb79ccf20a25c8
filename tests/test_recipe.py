"""What a member of the best response climbs: checked against the formula and by hand."""

import torch

from mvm.attacks.recipe import Recipe

LOGITS = [[3.0, 1.0, 0.0], [1.0, 3.0, 0.0], [0.0, 9.0, 1.0]]  # margins of class 0: -2, 2 and 9


def test_an_image_broken_by_more_than_the_cap_pulls_no_more_and_a_broken_one_below_it_does():
    logits = torch.tensor(LOGITS, dtype=torch.float64, requires_grad=True)
    y, p = torch.zeros(3, dtype=torch.int64), torch.zeros(3, 1)
    (gradient,) = torch.autograd.grad(Recipe(loss="margin", cap=5.0, penalty=0.0).gain(logits, y, p), logits)
    expected = torch.tensor([[-1.0, 1.0, 0.0], [-1.0, 1.0, 0.0], [0.0, 0.0, 0.0]], dtype=torch.float64) / 3
    torch.testing.assert_close(gradient, expected)


def test_the_penalty_is_the_mean_square_of_what_goes_into_tanh():
    logits, y = torch.tensor(LOGITS), torch.zeros(3, dtype=torch.int64)
    p = torch.tensor([[1.0], [2.0], [3.0]])
    recipe = Recipe(loss="margin", cap=100.0, penalty=0.5)
    torch.testing.assert_close(recipe.gain(logits, y, p), torch.tensor((-2.0 + 2 + 9) / 3 - 0.5 * 14 / 3))
