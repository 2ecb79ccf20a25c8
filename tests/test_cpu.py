"""What a process that trains is told: seen in processes of their own, for the settings hold to their end."""

import os
import subprocess
import sys

import pytest

FAULTS = """
import resource, torch
from mvm.cpu import keep_memory
{call}
for _ in range(10):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    x = torch.zeros(16, 1024, 1024)  # 64 MiB: 16384 pages
    del x
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


HELD = """
import torch
from mvm.cpu import give_back, keep_memory
keep_memory()
def held():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmRSS")) // 1024
before = held()
x = [torch.ones(1 << 18) for _ in range(400)]  # 1 MiB each
x = x[-1]  # the last one, above all the others
kept = held() - before
give_back()
print(kept, held() - before)
"""


def said(program: str) -> str:
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's")
def test_freed_memory_is_kept_for_the_next_tensor():
    if said("from mvm.cpu import keep_memory; print(keep_memory())") == "False":
        pytest.skip("the C library is not glibc")
    assert int(said(FAULTS.format(call="keep_memory()"))) < 100


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's")
def test_what_is_kept_can_be_given_back():
    kept, left = map(int, said(HELD).split())
    if kept < 300:
        pytest.skip("the C library is not glibc")
    assert left < kept / 4


@pytest.mark.skipif(sys.platform != "linux", reason="torch brings another OpenMP there")
def test_threads_soon_sleep_when_they_wait_unless_told_otherwise():
    command = [sys.executable, "-m", "mvm.evaluate", "runs=nowhere"]
    unset = {key: value for key, value in os.environ.items() if key not in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")}
    for given, spins in (({}, "3000"), ({"GOMP_SPINCOUNT": "7"}, "7"), ({"OMP_WAIT_POLICY": "PASSIVE"}, "0")):
        env = unset | given | {"OMP_DISPLAY_ENV": "verbose"}
        result = subprocess.run(command, capture_output=True, text=True, env=env)
        assert f"GOMP_SPINCOUNT = '{spins}'" in result.stderr and "no trained run matches" in result.stderr


def test_a_training_process_does_not_look_for_a_driver_at_each_step_of_adam():
    told = "import os; from mvm import training; from mvm.cpu import settle; settle(); print(sorted(os.environ))"
    assert "PYTORCH_NVML_BASED_CUDA_CHECK" not in said(told)
