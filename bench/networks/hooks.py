"""Read several layers in one forward pass."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.errors import LayerError
from bench.networks.layout.address import module_path
from bench.networks.layout.outputs import named_tensors
from bench.networks.layout.trace import eager
from bench.networks.pooling import Pooled, pool

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from torch import Tensor, nn

    from bench.networks.layout import Layout


class LayerHooks:
    """Forward hooks that pool the outputs of layers; a context manager that removes them.

    Each output is pooled as soon as it is computed, since a later module may overwrite it in place.
    Where a module is called several times in a pass or returns several tensors, the layout says
    which is read; by default the last call and the first tensor.

    Args:
        module: The network.
        layouts: How to read each layer, by name.
        maps: Layers of which maps are kept.

    Attributes:
        calls: Number of calls of each layer in the last pass.
    """

    def __init__(
        self, module: nn.Module, layouts: Mapping[str, Layout], *, maps: Collection[str] = ()
    ) -> None:
        self.calls: dict[str, int] = {}
        self._module = module
        self._maps = set(maps)
        self._layouts = dict(layouts)
        self._images = 0
        self._outputs: dict[str, Pooled] = {}
        self._handles: list[Any] = []

    def __enter__(self) -> LayerHooks:
        modules = dict(self._module.named_modules(remove_duplicate=False))
        for layer in self._layouts:
            owner = modules[layer if layer in modules else module_path(layer)]
            try:
                self._handles.append(owner.register_forward_hook(self._hook(layer)))
            except Exception as error:  # compiled and scripted modules have limits of their own
                self.__exit__()
                raise LayerError(
                    layer,
                    f"layer {layer!r} cannot be read while it runs: a {type(owner).__name__} takes "
                    f"no hook ({error})",
                    hint="give the network as a plain torch.nn.Module",
                ) from error
        return self

    def __exit__(self, *_: object) -> None:
        for handle in self._handles:
            handle.remove()

    def run(self, images: Tensor) -> dict[str, Pooled]:
        """Run the network on a batch.

        Args:
            images: float32 [B, 3, H, W], on the network's device.

        Returns:
            Pooled output by layer.

        Raises:
            LayerError: A layer did not run as in its layout, or its output has no units.
        """
        self._outputs, self.calls, self._images = {}, dict.fromkeys(self._layouts, 0), len(images)
        with eager():
            self._module(images)
        for layer, layout in self._layouts.items():
            if layer not in self._outputs:
                raise LayerError(
                    layer,
                    f"layer {layer!r} does not run when the network is shown images",
                    hint="choose a layer that the network's output depends on",
                )
            if layout.calls and self.calls[layer] != layout.calls:
                raise LayerError(
                    layer,
                    f"layer {layer!r} ran {self.calls[layer]} times on these images and "
                    f"{layout.calls} times on synthetic ones: its calls have no fixed number",
                    hint="choose a layer inside the modules that call it",
                )
        return self._outputs

    def drop_maps(self, layer: str) -> None:
        """Stop keeping the maps of a layer."""
        self._maps.discard(layer)

    def _hook(self, layer: str) -> Any:
        layout = self._layouts[layer]

        def read(_module: nn.Module, _inputs: Any, output: Any) -> None:
            number = self.calls[layer]
            self.calls[layer] += 1
            if layout.call is not None and number != layout.call:
                return
            tensors = named_tensors(output)
            name = layout.output if layout.output in tensors else next(iter(tensors), None)
            if name is None:
                raise LayerError(
                    layer,
                    f"layer {layer!r} gives a {type(output).__name__} without a tensor",
                    hint="choose a layer just before or after it",
                )
            pooled = pool(tensors[name], layer, layout, self._images, maps=layer in self._maps)
            units = pooled.values.shape[-1]
            before = self._outputs[layer].values.shape[-1] if layer in self._outputs else units
            if before != units:
                raise LayerError(
                    layer,
                    f"layer {layer!r} runs several times a pass with different numbers of units "
                    f"({before}, {units})",
                    hint=f"name a call: {module_path(layer)}:0 for the first",
                )
            self._outputs[layer] = pooled

        return read
