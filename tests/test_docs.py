"""The example in docs/solvers.md runs, and solves what it says; docs/checks.md lists the rules that there are."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "solvers.md").read_text()
CHECKS = (ROOT / "docs" / "checks.md").read_text()
ROW = re.compile(r"^\| (E\d\d) \| (.*) \| (.*) \| (.*) \| (.*) \|$", re.M)


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


def rules_of(file):
    """The ids with which a file of mvm/ makes checks: literal first arguments, as in judge("E01", ...)."""
    calls = (node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call) and node.args)
    firsts = (call.args[0].value for call in calls if isinstance(call.args[0], ast.Constant))
    orders = re.findall(r'^    \("(E\d\d)", "', file.read_text(), re.M)  # the table of mvm/audit/checks/cells.py
    return {first for first in firsts if re.fullmatch(r"E\d\d", str(first))} | set(orders)


def test_the_page_of_checks_lists_exactly_the_rules_in_the_code():
    where: dict[str, set[str]] = {}
    for file in sorted((ROOT / "mvm").rglob("*.py")):
        for id in rules_of(file):
            where.setdefault(id, set()).add(str(file.relative_to(ROOT)))
    rows = ROW.findall(CHECKS)
    assert [id for id, *_ in rows] == sorted(where) == [f"E{i:02}" for i in range(1, 36)]
    for id, _, _, files, threshold in rows:
        named = set(re.findall(r"`(.*?)`", files))
        assert where[id] <= named and threshold, (id, where[id])
        assert all(id in (ROOT / file).read_text() for file in named), id
