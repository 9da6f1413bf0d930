"""Where and how a job runs: the device, threads, and how evidence is gathered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.config.validate import channels_last_of
from bench.errors import UserError
from bench.networks.execution import Execution

if TYPE_CHECKING:
    from omegaconf import DictConfig

GB = 10**9


def resolve_device(config: DictConfig) -> str:
    """Return the device of `runtime.device`, and set torch's threads.

    Raises:
        UserError: A GPU is configured and there is none.
    """
    import torch

    if config.runtime.threads:
        torch.set_num_threads(config.runtime.threads)
    asked = str(config.runtime.device)
    if asked == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if asked.startswith("cuda") and not torch.cuda.is_available():
        raise UserError(
            "torch sees no CUDA device",
            where="runtime.device",
            hint="runtime.device=cpu, or install a torch build with CUDA",
        )
    return asked


def execution_of(config: DictConfig, device: str) -> Execution:
    """Read how networks are run from `runtime` and `target.precision`.

    Args:
        config: A composed configuration.
        device: What `resolve_device` settled on.
    """
    runtime = config.runtime
    return Execution(
        device=device,
        batch_size=runtime.batch_size,
        workers=runtime.workers,
        progress=runtime.progress,
        precision=config.target.precision,
        tf32=config.runtime.tf32,
        maps_limit=runtime.maps_limit_gb * GB,
        channels_last=channels_last_of(config),
    )
