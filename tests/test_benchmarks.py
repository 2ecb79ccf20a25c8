"""The arithmetic that the benchmarks count, and the page of their results."""

import ast
import importlib
from pathlib import Path

import pytest

from tests.benchmarks.floor import PASSES, bare
from tests.benchmarks.nets import Nets
from tests.benchmarks.page import page, reached, read
from tests.benchmarks.steps import OUT


def test_the_floor_counts_each_multiply_add_of_the_papers_net():
    nets = Nets("mnist")
    work = bare("g", nets.g, nets.x) | bare("a", nets.a, nets.x, nets.y)
    one = {name: w.flop // (2 * 128) for name, w in work.items()}
    convolutions = 28 * 28 * 25 * 1 * 32, 14 * 14 * 25 * 32 * 64
    assert one["g forward"] == one["g weights"] == sum(convolutions) + 3136 * 1024 + 1024 * 10
    assert one["g image"] == convolutions[0] and one["g back"] == one["g forward"] - one["g image"]
    assert one["a forward"] == 794 * 300 + 2 * 300 * 300 + 300 * 784
    minimax = sum(n * one[name] for name, n in PASSES["minimax"].items())
    assert minimax == 6 * one["g forward"] - one["g image"] + 5 * one["a forward"] - one["a image"]
    for w in work.values():
        w.run()


def test_the_page_is_of_the_rows_and_says_what_is_not_reached():
    assert OUT.with_suffix(".md").read_text() == page(read(OUT)), "run python -m tests.benchmarks.page"
    assert reached({"target": "1.03", "ratio": "1.031"}) == "**no**"
    assert reached({"target": "1.03", "ratio": "1.03"}) == "yes" and reached({"target": "", "ratio": "9"}) == ""


@pytest.mark.parametrize("file", sorted(Path(__file__).parent.glob("benchmarks/*.py")), ids=lambda file: file.stem)
def test_what_a_benchmark_takes_from_the_package_is_there(file):
    """Most need other libraries, or minutes, and so are not run here."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "mvm":
            missing = {alias.name for alias in node.names} - set(dir(importlib.import_module(node.module)))
            assert not missing, f"{node.module} has no {missing}"
