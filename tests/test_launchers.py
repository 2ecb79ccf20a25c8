"""Hydra's launchers: jobs as other processes, which need the same classifier and of which some fail."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import TINY, read

from mvm.cli import _note_failure

ROOT = Path(__file__).parents[1]
LAUNCHERS = {
    "joblib": ("joblib", ("hydra.launcher.n_jobs=2",)),
    "submitit": ("submitit_local", ("hydra.launcher.timeout_min=5",)),
    "ray": ("ray", ("+hydra.launcher.ray.init.num_cpus=2", "+hydra.launcher.ray.init.include_dashboard=false")),
}


def sweep(extra, outputs, etas):
    """Two games on one undefended classifier; returns the process and all that its jobs said."""
    launcher, more = LAUNCHERS[extra]
    games = (f"eta={etas}", "game=adv_train,adv_fgsm1", "attacks=[fgsm]")  # so that the two games start together
    settings = (*TINY, *games, f"hydra/launcher={launcher}", *more, f"outputs={outputs}")
    done = subprocess.run(
        [sys.executable, "-m", "mvm.train", "--multirun", *settings],
        cwd=ROOT,
        env=os.environ | {"HOME": str(outputs.parent), "RAY_DEDUP_LOGS": "0", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    return done, done.stdout + "".join(log.read_text() for log in outputs.glob(".submitit/*/*.out"))


@pytest.mark.parametrize("extra", LAUNCHERS)
def test_a_sweep_of_several_processes(extra, tmp_path):
    pytest.importorskip(f"hydra_plugins.hydra_{extra}_launcher")
    outputs = tmp_path / "outputs"
    done, said = sweep(extra, outputs, "0.3,-1")

    runs = {folder.name.split("-")[1]: folder for folder in outputs.glob("runs/*")}
    assert runs.keys() == {"undefended", "adv_train", "cat_mouse"}  # Adv FGSM1 is one round of cat and mouse
    for game in ("adv_train", "cat_mouse"):
        record = json.loads((runs[game] / "metrics.json").read_text())
        assert record["complete"] and 0 < record["errors"]["fgsm"] <= 1
    assert [row["iteration"] for row in read(runs["undefended"] / "history.csv")] == [
        "10",
        "20",
        "30",
        "40",
        "50",
        "60",
    ]
    assert said.count("60 iterations at") == 2  # training: of adv_train, and of the undefended classifier, once

    assert done.returncode == 1
    _, over, last = done.stderr.rpartition("Error executing job")  # Hydra's word at the end of the sweep
    one, other, end = (line for line in last.splitlines() if line.startswith("mvm: "))
    assert over
    assert "2 of the jobs failed" in end and "Traceback" not in done.stderr
    for line in (one, other):
        assert "eta=-1" in line and "must be a number in [0, 2]" in line
    assert {re.search(r"game=(\w+)", line)[1] for line in (one, other)} == {"adv_train", "adv_fgsm1"}

    stamps = {file: file.stat().st_mtime_ns for file in (outputs / "runs").rglob("*")}
    again, said = sweep(extra, outputs, "0.3")
    assert again.returncode == 0 and said.count("nothing to do") == 2
    assert {file: file.stat().st_mtime_ns for file in stamps} == stamps


def test_a_job_on_another_machine_still_says_what_failed(capsys, monkeypatch):
    for folder in (None, "/nonexistent/failed"):
        monkeypatch.delenv("MVM_FAILED", raising=False)
        if folder:
            monkeypatch.setenv("MVM_FAILED", folder)
        _note_failure("job 3 failed: no such game")
        assert "mvm: job 3 failed: no such game" in capsys.readouterr().err
