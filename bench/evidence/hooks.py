"""Pooled outputs of several layers in one forward pass."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.errors import UserError
from bench.evidence.pooling import Pooled, pool

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from types import TracebackType

    from torch import Tensor, nn


class LayerTap:
    """Reads layers off a network while it runs; a context manager that leaves it as it was.

    A layer is pooled at the moment it is computed, for a later one may overwrite it in place. Of a
    module that runs several times in a pass the last output counts.

    Args:
        module: The network.
        layers: Module paths.
        maps: Those of which the maps are wanted too.
    """

    def __init__(
        self, module: nn.Module, layers: Sequence[str], *, maps: Collection[str] = ()
    ) -> None:
        self._module = module
        self._maps = set(maps)
        self._layers = list(layers)
        self._found: dict[str, Pooled] = {}
        self._handles: list[Any] = []

    def __enter__(self) -> LayerTap:
        modules = dict(self._module.named_modules())
        for layer in self._layers:
            self._handles.append(modules[layer].register_forward_hook(self._hook(layer)))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for handle in self._handles:
            handle.remove()

    def run(self, images: Tensor) -> dict[str, Pooled]:
        """Show the network a batch.

        Args:
            images: float32 [B, 3, H, W], on the network's device.

        Returns:
            Pooled output by layer.

        Raises:
            UserError: A layer did not run, or its output has no units.
        """
        self._found = {}
        self._module(images)
        for layer in self._layers:
            if layer not in self._found:
                raise UserError(
                    f"layer {layer!r} does not run when the network is shown images",
                    where="target.layers",
                    cure="choose a layer that the network's output depends on",
                )
        return self._found

    def drop_maps(self, layer: str) -> None:
        """Keep no more maps of a layer."""
        self._maps.discard(layer)

    def _hook(self, layer: str) -> Any:
        def keep(_module: nn.Module, _inputs: Any, output: Any) -> None:
            # Attention modules return their weights besides.
            first = output[0] if isinstance(output, tuple) and output else output
            self._found[layer] = pool(first, layer, maps=layer in self._maps)

        return keep
