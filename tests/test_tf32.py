"""TF32 is on for training, off for scoring, and nobody else's business."""

import pytest
import torch

from mvm.tf32 import tf32


def test_tf32_is_what_it_was_afterwards(monkeypatch):
    monkeypatch.setattr("mvm.tf32.a_gpu_is_here", lambda: True)
    flags = torch.backends.cuda.matmul, torch.backends.cudnn
    before = [flag.allow_tf32 for flag in flags]
    with pytest.raises(ZeroDivisionError), tf32():
        assert all(flag.allow_tf32 for flag in flags)
        with tf32(False):
            assert not any(flag.allow_tf32 for flag in flags)
        raise ZeroDivisionError
    assert [flag.allow_tf32 for flag in flags] == before
