"""Describe versions, hardware and the state of this package's checkout, for records."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = (
    "dissectbench",
    "hydra-core",
    "numpy",
    "open_clip_torch",
    "pandas",
    "sentence-transformers",
    "timm",
    "torch",
    "torchvision",
    "transformers",
)

THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "CUBLAS_WORKSPACE_CONFIG")

_TIMEOUT_S = 10


def environment(device: str = "cpu") -> dict[str, Any]:
    """Describe the environment of this process, for a record.

    Import torch only for a CUDA device.

    Args:
        device: The device of the run.

    Returns:
        {python, os, hardware, versions, git, determinism}; unknown values are null.
    """
    return {
        "python": platform.python_version(),
        "os": platform.platform(),
        "hardware": hardware(device),
        "versions": versions(),
        "git": git_state(Path(__file__).resolve().parents[1]),
        "determinism": _determinism(),
    }


@cache
def hardware(device: str = "cpu") -> dict[str, Any]:
    """Describe processor, memory and GPU: times are comparable if these are equal.

    Args:
        device: "cpu", or a CUDA device.

    Returns:
        {cpu, cores, threads, memory_bytes, gpu}; `gpu` is {name, memory_bytes, driver, cuda, cudnn}
        or null.
    """
    import psutil

    return {
        "cpu": _cpu_model(),
        "cores": psutil.cpu_count(logical=False),
        "threads": _usable_threads(),
        "memory_bytes": psutil.virtual_memory().total,
        "gpu": _gpu(device) if device.startswith("cuda") else None,
    }


def gpu_is_shared(device: str) -> bool | None:
    """Return whether other processes compute on a GPU now; None if the driver does not say.

    The driver does not show processes to a container that has process ids of its own.

    Args:
        device: A CUDA device.
    """
    import torch

    uuid = getattr(torch.cuda.get_device_properties(torch.device(device)), "uuid", "")
    query = ["--query-compute-apps=pid", "--format=csv,noheader", f"--id=GPU-{uuid}"]
    listed = _output(["nvidia-smi", *query])
    pids = {int(word) for word in (listed or "").split() if word.isdigit()}
    return len(pids) > 1 if os.getpid() in pids else None


def versions() -> dict[str, str | None]:
    """Return the installed versions of the packages that results depend on."""
    installed: dict[str, str | None] = dict.fromkeys(PACKAGES)
    for name in PACKAGES:
        with suppress(PackageNotFoundError):
            installed[name] = version(name)
    return installed


def git_state(folder: Path) -> dict[str, Any] | None:
    """Return the commit of a checkout, and whether it has changes.

    Args:
        folder: The root of this package's sources.

    Returns:
        {sha, dirty}; None without git, or if the folder is not the root of a checkout, such as that
        of an installed wheel, even inside the checkout of another project.
    """
    # site-packages may lie inside another project's checkout.
    if not (folder / ".git").exists():
        return None
    sha = _git(folder, "rev-parse", "HEAD")
    status = _git(folder, "status", "--porcelain", "--untracked-files=no")
    if not sha or status is None:
        return None
    return {"sha": sha, "dirty": bool(status)}


def _git(folder: Path, *arguments: str) -> str | None:
    # Variables such as GIT_DIR, set inside hooks, would point at another repository.
    clean = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    return _output(["git", "--no-optional-locks", *arguments], cwd=folder, env=clean)


def _output(command: list[str], **options: Any) -> str | None:
    """Return what a program prints; None if it is not installed, fails or takes too long."""
    try:
        done = subprocess.run(  # noqa: S603 - fixed programs and arguments
            command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False, **options
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _usable_threads() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _gpu(device: str) -> dict[str, Any] | None:
    import torch

    if not torch.cuda.is_available():
        return None
    facts = torch.cuda.get_device_properties(torch.device(device))
    return {
        "name": facts.name,
        "memory_bytes": facts.total_memory,
        "driver": _driver(),
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version(),  # type: ignore[no-untyped-call]
    }


def _driver() -> str | None:
    try:
        text = Path("/proc/driver/nvidia/version").read_text(encoding="utf-8")
    except OSError:
        return None
    words = text.splitlines()[0].split()
    return next((word for word in words if word[0].isdigit() and "." in word), None)


def _determinism() -> dict[str, Any]:
    facts: dict[str, Any] = {name: os.environ.get(name) for name in THREAD_VARIABLES}
    torch = sys.modules.get("torch")
    if torch is not None:
        facts |= {
            "torch_threads": torch.get_num_threads(),
            "deterministic_algorithms": torch.are_deterministic_algorithms_enabled(),
            "cudnn_deterministic": torch.backends.cudnn.deterministic,
            "cudnn_benchmark": torch.backends.cudnn.benchmark,
            "matmul_precision": torch.get_float32_matmul_precision(),
        }
    return facts
