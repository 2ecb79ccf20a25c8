"""What a process that trains is told: seen in processes of their own, for the settings hold to their end."""

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


def said(program: str) -> str:
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's")
def test_freed_memory_is_kept_for_the_next_tensor():
    if said("from mvm.cpu import keep_memory; print(keep_memory())") == "False":
        pytest.skip("the C library is not glibc")
    assert int(said(FAULTS.format(call="keep_memory()"))) < 100


def test_a_training_process_does_not_look_for_a_driver_at_each_step_of_adam():
    told = "import os; from mvm import training; from mvm.cpu import settle; settle(); print(sorted(os.environ))"
    assert "PYTORCH_NVML_BASED_CUDA_CHECK" not in said(told)
