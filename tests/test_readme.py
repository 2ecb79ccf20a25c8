"""What the README says is there, is there; its example attack works as printed."""

import re
import shlex
import subprocess
from functools import cache
from pathlib import Path

import pytest
import torch
from conftest import compose, options
from problems import Linear, images

from mvm.attacks.attack import Attack
from mvm.attacks.fgsm import FGSM
from mvm.sensitivity import input_gradient
from mvm.threat import clip

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
PAGES = "\n".join([README, *(page.read_text() for page in sorted((ROOT / "docs").glob("*.md")))])
LINES = PAGES.replace("\\\n", " ")
COMMANDS = sorted(set(re.findall(r"^    python -m mvm\.((?:train|evaluate|report) .*)", LINES, re.MULTILINE)))
SETTINGS = sorted(set(re.findall(r"`\+?((?:game|attack|attacks|members|trainer)\.[\w.]+)", PAGES)))


def test_every_path_exists():
    paths = set(re.findall(r"`((?:mvm|conf|tests)/[\w/.]*)`", README))
    assert len(paths) > 15
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_every_game_and_attack_is_listed():
    for group in ("game", "attack", "data", "profile"):
        missing = [f.stem for f in (ROOT / "conf" / group).glob("*.yaml") if f"`{f.stem}`" not in README]
        assert not missing, group


def test_the_example_attack_works_as_printed():
    code = README.split("# mvm/attacks/mine.py\n")[1].split("# conf/attack/mine.yaml")[0]
    names = {"Attack": Attack, "input_gradient": input_gradient, "clip": clip}
    exec("\n".join(line[4:] for line in code.splitlines()), names)
    g, (x, y) = Linear(), images()
    torch.testing.assert_close(names["Mine"](eta=0.3)(g, x, y), FGSM(eta=0.3, box=True)(g, x, y))


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_composes(command):
    """Of a sweep, its first job. A variable of the shell stands for settings that are printed elsewhere."""
    entry, *words = shlex.split(command, comments=True)
    settings = [word for word in words if "=" in word]
    assert compose(*(re.sub(r"(=[^\[,]+),.*", r"\1", one) for one in settings), name=entry)


@pytest.mark.parametrize("key", SETTINGS)
def test_every_setting_is_one_of_some_game(key):
    """A setting with + before it is one of the class that the settings are given to, and composes with it."""
    group, *path = key.split(".")
    added = f"`+{key}" in PAGES
    assert any(reached(config[group], path[:-1] if added else path) for config in everything())


def reached(node, path):
    for name in path:
        if not isinstance(node, dict) or name not in node:
            return False
        node = node[name]
    return True


@cache
def everything():
    """The settings of every game, with every attack."""
    attacks = f"attacks=[{','.join(options('attack'))}]"
    games = [f"game={game}" for game in options("game")] + ["game=minimax attack=attnet_folded"]
    return [compose(*game.split(), attacks, "data=mnist") for game in games]


@pytest.mark.parametrize("target", sorted(set(re.findall(r"^    make (\w+) ", README, re.MULTILINE))))
def test_every_make_target_exists(target):
    done = subprocess.run(["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
