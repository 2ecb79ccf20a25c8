"""Fixtures: the command line in this process, and settings small enough for tests."""

import csv
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import hydra
import pytest
import torch
from omegaconf import OmegaConf

from mvm import evaluate, means, train
from mvm.cli import entry
from mvm.schema import CONF, register

REAL_DATA = os.environ.get("MVM_DATA")
needs_data = pytest.mark.skipif(not REAL_DATA, reason="MVM_DATA is not set: no full MNIST and CIFAR-10 here")

TINY = (
    "profile=smoke",
    "data=mnist5k",
    "classifier.width=0.1",
    "data.batch_size=32",
    "budgets.mnist.undefended.iterations=60",
    "budgets.mnist.iterations=60",
    "budgets.mnist.game_iterations=60",
    "budgets.mnist.attack_iterations=20",
    "budgets.mnist.rounds=3",
    "budgets.mnist.round_iterations=20",
    "attacks=[none,fgsm]",
    "trainer.limit_train_batches=1",  # a checkpoint every 10 iterations
)


def options(group: str) -> list[str]:
    """The options of a group of conf/, by listing the folder: a new file is tested without an edit here."""
    return sorted(file.stem for file in CONF.glob(f"{group}/*.yaml"))


def read(path: Path) -> list[dict[str, str]]:
    """The rows of a csv file."""
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def compose(*overrides: str, name: str = "train") -> dict:
    register()
    with hydra.initialize_config_dir(str(CONF), version_base="1.3"):
        return OmegaConf.to_container(hydra.compose(name, list(overrides)), resolve=name == "train")


@dataclass
class Result:
    status: int
    out: str
    err: str

    @property
    def folder(self) -> Path:
        return Path(self.out.strip().splitlines()[-1])


@pytest.fixture
def mvm(capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Result]:
    """mvm("train", *overrides): what `python -m mvm.train` does, in this process, with outputs in a new folder."""

    def run(program: str, *overrides: str) -> Result:
        monkeypatch.setattr(sys, "argv", [f"mvm.{program}", *arguments(program, overrides, tmp_path)])
        monkeypatch.delenv("HYDRA_FULL_ERROR", raising=False)
        status = 0
        try:
            entry(program, {"train": train.main, "evaluate": evaluate.main, "means": means.main}[program])
        except SystemExit as end:
            status = int(end.code or 0)
        captured = capsys.readouterr()
        return Result(status, captured.out, captured.err)

    return run


def arguments(program: str, overrides: Sequence[str], outputs: Path) -> list[str]:
    """On the CPU, where the same command gives the same bits, whatever else is there."""
    usual = {"outputs": outputs} | ({} if program == "means" else {"trainer.accelerator": "cpu"})
    return [*overrides, *(f"{k}={v}" for k, v in usual.items() if not any(o.startswith(f"{k}=") for o in overrides))]


@pytest.fixture(autouse=True)
def same_random_state():
    torch.manual_seed(0)
