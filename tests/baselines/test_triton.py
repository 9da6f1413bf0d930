"""The Triton loops' tests are run by Triton's interpreter, which has to be chosen at its import."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from baselines.similarity.kernels import gpu

ROOT = Path(__file__).resolve().parents[2]


def test_interpreted_loops():
    pytest.importorskip("triton")
    cases = Path(__file__).with_name("triton_cases.py")
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "--durations=15",
            str(cases),
        ],
        cwd=ROOT,
        env={**os.environ, "TRITON_INTERPRET": "1", "PYTHONPATH": str(cases.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_without_a_driver_the_other_paths_run(caplog):
    """As on a machine without a GPU, if one were asked for."""
    pytest.importorskip("triton")
    if torch.cuda.is_available():
        pytest.skip("there is a driver")
    gpu._has_triton.cache_clear()
    assert not gpu._has_triton()
    assert "slower tensor operations" in caplog.text


def test_the_loops_are_for_gpus_and_at_most_32_bits():
    assert not gpu.has_kernels(torch.device("cpu"), torch.float32)
    assert not gpu.has_kernels(torch.device("cuda"), torch.float64)
