"""Settings of running networks on images."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Execution:
    """How networks are run; only `precision` and `tf32` decide values.

    Attributes:
        device: Where the networks run: "cpu", "cuda", "cuda:1".
        batch_size: Images in a forward pass.
        workers: Threads that decode images.
        progress: Show a progress bar on a terminal.
        precision: Of the target's forward pass (`bench.networks.precision`).
        tf32: Whether networks may use TF32 on a GPU.
        maps_limit: Bytes of a layer's maps up to which they are stored; larger maps are computed
            again in each reading.
        channels_last: Whether networks run in this memory format: "auto" where they can, "true",
            "false".
    """

    device: str = "cpu"
    batch_size: int = 64
    workers: int = 2
    progress: bool = True
    precision: str = "float32"
    tf32: bool = False
    maps_limit: float = 8e9
    channels_last: str = "auto"
