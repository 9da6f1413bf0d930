"""Where a job runs: the device and the number of threads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.errors import UserError

if TYPE_CHECKING:
    from omegaconf import DictConfig


def resolve_device(config: DictConfig) -> str:
    """Make `runtime.device` concrete and set torch's threads.

    Raises:
        UserError: A GPU is asked for and there is none.
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
            cure="runtime.device=cpu, or install a torch build with CUDA",
        )
    return asked
