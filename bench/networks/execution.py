"""How evidence is gathered."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class How:
    """How evidence is gathered; precision, TF32, axes and prefix tokens decide values.

    Attributes:
        device: Where the networks run: "cpu", "cuda", "cuda:1".
        batch_size: Images in a forward pass.
        workers: Threads that decode images.
        progress: Show a bar on a terminal.
        precision: Of the target's forward pass (`bench.networks.precision`).
        tf32: Whether networks may use TF32 on a GPU.
        maps_limit: Bytes of a layer's maps up to which they are stored; larger ones are computed
            anew in each reading.
        axes: Axes by layer, as in `bench.networks.layout.Reading`.
        prefix_tokens: As there.
        channels_last: Whether networks run in that memory format: "auto" where they bear it,
            "true", "false".
    """

    device: str = "cpu"
    batch_size: int = 64
    workers: int = 2
    progress: bool = True
    precision: str = "float32"
    tf32: bool = False
    maps_limit: float = 8e9
    axes: tuple[tuple[str, str], ...] = ()
    prefix_tokens: int | None = None
    channels_last: str = "auto"
