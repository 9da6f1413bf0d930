"""Pooled activations of a layer on images that are not in the probe set."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from bench.evidence.arrays import as_tensor, project_arrays
from bench.networks.batch_runner import BatchRunner
from bench.networks.faults import apply_transform
from bench.networks.forward import Forward
from bench.networks.hooks import LayerHooks
from bench.networks.pooling import MODES
from bench.parts.layer_arrays import LayerArrays

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from bench.networks.execution import Execution
    from bench.networks.layout import Layout
    from bench.networks.loaded import LoadedTarget
    from bench.networks.pooling import Pooled
    from bench.parts.directions import Directions
    from bench.parts.protocols import Target


@dataclass(frozen=True)
class LoadedLayer:
    """A layer of a target, or directions in it (`baselines.generated.TargetLayer`).

    The target is loaded when it is first used.

    Attributes:
        target: The network.
        layer: The layer's name.
        layout: How it is read.
        execution: Device, batch size and precision.
        directions: What is described in place of its units; None for the units.
    """

    target: Target
    layer: str
    layout: Layout
    execution: Execution
    directions: Directions | None = None

    @cached_property
    def _loaded(self) -> LoadedTarget:
        return self.target.load(self.execution.device)

    def activations(self, images: NDArray[np.uint8]) -> Tensor:
        """Return pooled activations on images uint8 [B, S, S, 3], float32 [B, U], on the CPU.

        The target's transform applies to them as to images of the probe set.

        Raises:
            UserError: The transform or the network fails, or the layer cannot be read.
        """
        import torch
        from PIL import Image

        loaded, layout = self._loaded, self.layout
        # The largest value of a direction's map does not follow from the pooled units.
        maps = [self.layer] if self.directions is not None and layout.pooling == "max" else []
        found: list[Pooled] = []
        with LayerHooks(loaded.module, {self.layer: layout}, maps=maps) as hooks:
            forward = Forward(loaded.module, hooks, self.execution)
            runner = BatchRunner(self.execution.device, self.execution.batch_size)
            for start in range(0, len(images), runner.batch_size):
                inputs = torch.stack(
                    [
                        apply_transform(
                            loaded.transform, Image.fromarray(image), "target", "a crop"
                        )
                        for image in images[start : start + runner.batch_size]
                    ]
                )
                found += [outputs[self.layer].cpu() for outputs in runner.run(forward, inputs)]
        at = MODES.index(layout.key_pooling) if len(found[0].values) > 1 else 0
        values = torch.cat([pooled.values[at] for pooled in found])
        if self.directions is None:
            return values
        arrays = LayerArrays(
            n=len(values),
            units=values.shape[1],
            map_size=found[0].map_size,
            activations=lambda: values,
            maps=lambda: (pooled.maps for pooled in found if pooled.maps is not None),
        )
        return as_tensor(project_arrays(arrays, self.directions, layout).activations())
