"""What the README says is there, is there; its example attack works as printed."""

import re
import subprocess
from pathlib import Path

import pytest
import torch
from problems import Linear, images

from mvm.attacks.attack import Attack
from mvm.attacks.fgsm import FGSM
from mvm.sensitivity import input_gradient
from mvm.threat import clip

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


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


@pytest.mark.parametrize("target", sorted(set(re.findall(r"^    make (\w+) ", README, re.MULTILINE))))
def test_every_make_target_exists(target):
    done = subprocess.run(["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
