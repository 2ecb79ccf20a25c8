"""The rules of the source tree: imports run one way, settings stay at the entry points, files stay small."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "mvm"
FILES = sorted(ROOT.rglob("*.py"))
LAYERS = [  # a file imports from its own layer and the ones before it
    [
        "errors",
        "numbers",
        "paper",  # its numbers and names, as data
        "cpu",
        "tf32",
        "graphed",
        "terminal",
        "lock",
        "seeding",
        "threat",
        "risk",
        "sensitivity",
        "image_gradient",
        "penalty",
        "leader_follower",
        "whole",
        "digest",
        "globs",
        "weights",
    ],
    ["data", "classifiers"],
    ["attacks"],
    ["audit"],
    ["record"],
    ["games"],
    ["schema", "build", "cells", "recorded", "board", "board_end"],
    ["shared_rounds"],
    ["cli", "play", "rounds", "entries", "inspection", "untried", "grid"],
    ["saved", "solved", "equilibrium"],
    ["training", "evaluation"],
    ["train", "evaluate"],
    ["report", "workspace", "means"],  # without torch; the report from the records alone
]
PURE = {"numbers", "seeding", "threat", "risk", "sensitivity", "image_gradient", "penalty", "leader_follower"}


def part(module: str) -> str:
    return module.split(".")[1]


def layer(name: str) -> int:
    return next(i for i, names in enumerate(LAYERS) if name in names)


def imports(file: Path) -> list[str]:
    out = []
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            out.append(node.module)
        elif isinstance(node, ast.Import):
            out += [alias.name for alias in node.names]
    return out


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(ROOT)))
def test_imports_run_one_way(file):
    if file == ROOT / "__init__.py":
        return
    name = file.relative_to(ROOT).parts[0].removesuffix(".py")
    for module in imports(file):
        if module.startswith("mvm."):
            assert layer(part(module)) <= layer(name), f"{file.name} imports {module}"
            assert part(module) not in ("train", "evaluate"), f"{file.name} imports the entry point {module}"
        if name in PURE:
            assert not module.startswith(("pytorch_lightning", "hydra", "omegaconf")), f"{file.name}: {module}"
        if module.startswith("omegaconf"):
            above = ("schema", "cli", "training", "train", "evaluation", "evaluate", "report", "workspace", "means")
            assert name in above, f"{file.name} knows about configs"


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(ROOT)))
def test_files_and_functions_are_small(file):
    text = file.read_text()
    assert text.count("\n") <= 250
    tree = ast.parse(text)
    assert ast.get_docstring(tree), "says nothing about itself"
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            assert node.end_lineno - node.lineno < 40, node.name


@pytest.mark.parametrize("program", ["train", "evaluate", "report", "workspace", "means"])
def test_help_does_not_wait_for_torch(program):
    after = (
        "import atexit, runpy, sys; atexit.register(lambda: print('torch' in sys.modules)); "
        f"sys.argv[1:] = ['--help']; runpy.run_module('mvm.{program}', run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-c", after], capture_output=True, text=True, timeout=60)
    assert "mvm" in done.stdout and done.stdout.rstrip().endswith("False"), done.stdout + done.stderr
