"""What `solve` refuses, and how it says so."""

import pytest
import torch

from mvm.leader_follower import solve

U, V = torch.tensor([0.7], dtype=torch.float64), torch.tensor([-0.4], dtype=torch.float64)


def f(u, v):
    return (u * v).sum()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"method": "newton"}, "method='newton': must be one of minimax"),
        ({"order": "sideways"}, "order='sideways'"),
        ({"penalty": "triple"}, "penalty='triple'"),
        ({"penalty": "image"}, "use double"),
        ({"penalty": "part"}, "use double"),
        ({"gamma": -1.0}, "gamma=-1.0 at iteration 1"),
        ({"lambda_": lambda i: float("nan")}, "lambda_=nan at iteration 1"),
        ({"population": 0}, "population=0"),
        ({"iterations": 0}, "iterations=0"),
        ({"unroll": 0}, "unroll=0"),
        ({"ascent_steps": 0}, "ascent_steps=0"),
        ({"spread": -1.0}, "spread=-1.0: must be a number, 0 or more"),
        ({"method": "gda", "order": "leader_first"}, "method=gda has an order of its own"),
    ],
)
def test_impossible_settings_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        solve(f, U, V, **({"iterations": 2} | settings))


def test_a_misspelt_setting_is_named_beside_those_there_are():
    with pytest.raises(TypeError, match="no setting populaton; it has method, .*population"):
        solve(lambda u, v: u * v, torch.tensor(1.0), torch.tensor(1.0), populaton=2)


@pytest.mark.parametrize(
    ("u", "v", "message"),
    [
        ([U], V, r"a player is a tensor, a dict .* not float|not list"),
        (U, [], "the follower is an empty list"),
        (U, {"v": 0.5}, "not float"),
    ],
)
def test_what_is_no_player_is_refused(u, v, message):
    with pytest.raises(ValueError, match=message):
        solve(f, u, v, iterations=2)


def test_f_has_to_give_one_number():
    with pytest.raises(ValueError, match=r"one number, in a tensor, not a tensor of shape \(2,\)"):
        solve(lambda u, v: u * v, torch.ones(2), torch.ones(2), iterations=2)
