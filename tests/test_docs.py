"""The example in docs/solvers.md runs, and solves what it says."""

import re
from pathlib import Path

PAGE = (Path(__file__).parents[1] / "docs" / "solvers.md").read_text()


def test_the_example_evens_out_the_groups(capsys):
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.S)
    names: dict = {}
    exec(code, names)
    line, x, y = names["game"].u, names["x"], names["y"]
    worst = max((line(x[:, None])[:, 0] - y).square().view(4, 10).mean(1).tolist())
    u = names["torch"].linalg.lstsq(names["torch"].stack([x, x**0], 1), y[:, None]).solution
    plain = max((u[0] * x + u[1] - y).square().view(4, 10).mean(1).tolist())
    assert worst < 0.95 * plain  # better on the worst group than least squares
    assert abs(names["game"].risk[-1].item() - worst) < 0.005 and capsys.readouterr().out


def test_every_method_and_form_is_on_the_page():
    from mvm.leader_follower import METHODS
    from mvm.penalty import NAMES

    for name in (*METHODS, *NAMES, "every"):
        assert f"`{name}`" in PAGE, name
