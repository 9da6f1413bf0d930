"""Pooled outputs of several layers in one forward pass."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.errors import LayerError
from bench.networks.layout.address import module_path
from bench.networks.layout.outputs import named_tensors
from bench.networks.layout.trace import uncompiled
from bench.networks.pooling import Pooled, pool

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from types import TracebackType

    from torch import Tensor, nn

    from bench.networks.layout import Layout


class LayerHooks:
    """Reads layers off a network while it runs; a context manager that leaves it as it was.

    A layer is pooled at the moment it is computed, for a later one may overwrite it in place. Of a
    module that runs several times in a pass, and of one that returns several tensors, the layout
    says which is read; else the last run and the first tensor.

    Args:
        module: The network.
        layouts: How to read each layer, by name.
        maps: Those of which the maps are wanted too.

    Attributes:
        calls: How often each layer ran in the last pass.
    """

    def __init__(
        self, module: nn.Module, layouts: Mapping[str, Layout], *, maps: Collection[str] = ()
    ) -> None:
        self.calls: dict[str, int] = {}
        self._module = module
        self._maps = set(maps)
        self._layouts = dict(layouts)
        self._images = 0
        self._found: dict[str, Pooled] = {}
        self._handles: list[Any] = []

    def __enter__(self) -> LayerHooks:
        modules = dict(self._module.named_modules(remove_duplicate=False))
        for layer in self._layouts:
            owner = modules[layer if layer in modules else module_path(layer)]
            try:
                self._handles.append(owner.register_forward_hook(self._hook(layer)))
            except Exception as error:  # what is compiled or scripted has limits of its own
                self.__exit__(None, None, None)
                raise LayerError(
                    layer,
                    f"layer {layer!r} cannot be read while it runs: a {type(owner).__name__} takes "
                    f"no hook ({error})",
                    hint="give the network as a plain torch.nn.Module",
                ) from error
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
            LayerError: A layer did not run as its layout says, or its output has no units.
        """
        self._found, self.calls, self._images = {}, dict.fromkeys(self._layouts, 0), len(images)
        with uncompiled():
            self._module(images)
        for layer, layout in self._layouts.items():
            if layer not in self._found:
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
        return self._found

    def drop_maps(self, layer: str) -> None:
        """Keep no more maps of a layer."""
        self._maps.discard(layer)

    def _hook(self, layer: str) -> Any:
        layout = self._layouts[layer]

        def keep(_module: nn.Module, _inputs: Any, output: Any) -> None:
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
            maps = layer in self._maps
            found = pool(tensors[name], layer, layout, self._images, maps=maps)
            before = self._found.get(layer)
            units = found.values.shape[-1]
            if before is not None and before.values.shape[-1] != units:
                path = module_path(layer)
                raise LayerError(
                    layer,
                    f"layer {layer!r} runs several times a pass with different numbers of units "
                    f"({before.values.shape[-1]}, {units})",
                    hint=f"name a call: {path}:0 for the first",
                )
            self._found[layer] = found

        return keep
