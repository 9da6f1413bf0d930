"""How many units layers have by their own weights, or by what stands around them."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from bench.networks.layout.trace import synthetic_images

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bench.networks.loaded import LoadedTarget

_NORMS = (
    nn.modules.batchnorm._NormBase,
    nn.GroupNorm,
    nn.LayerNorm,
    nn.RMSNorm,
)


def expected_widths(network: nn.Module) -> Iterator[tuple[str, int | None]]:
    """Layers and their width by their own weights, or timm's word; None for other blocks."""
    stages = getattr(network, "feature_info", None) or ()
    told = {
        stage["module"]: stage["num_chs"]
        for stage in getattr(stages, "info", stages)
        if isinstance(stage, dict) and stage.get("module")
    }
    modules = dict(network.named_modules())
    weighted = [path for path, module in modules.items() if _own_width(module) is not None]
    for path, module in modules.items():
        if not path or path == weighted[-1]:
            continue
        parent = modules[path.rpartition(".")[0]]
        listed = isinstance(parent, nn.Sequential | nn.ModuleList) and any(module.children())
        if path in told or _own_width(module) is not None or listed:
            yield path, told.get(path) or _own_width(module)


def _own_width(module: nn.Module) -> int | None:
    """Units of a convolution, linear layer or normalisation by the shape of its weights."""
    weight: Any = getattr(module, "weight", None)
    if isinstance(module, nn.modules.conv._ConvTransposeNd):
        return int(weight.shape[1]) * module.groups
    if isinstance(module, nn.modules.conv._ConvNd | nn.Linear):
        return int(weight.shape[0])
    if isinstance(module, _NORMS) and torch.is_tensor(weight):
        return int(weight.shape[0]) if weight.ndim == 1 else None
    return None


def _in_width(module: nn.Module) -> int | None:
    """What a module with weights reads."""
    for name in ("in_channels", "in_features", "num_features", "num_channels"):
        if hasattr(module, name):
            return int(getattr(module, name))
    return int(module.normalized_shape[-1]) if hasattr(module, "normalized_shape") else None


def widths_around(loaded: LoadedTarget, paths: list[str]) -> dict[str, set[int]]:
    """Of each block the width of the last module inside, what the next one reads, and what stays.

    The first is not the width of a block that joins channels, the second not that before a split;
    what stays is the one size in its output that does not follow the size of the image.
    """
    ran: dict[str, int] = {}
    found: dict[str, set[int]] = {}
    ended: set[str] = set()
    handles = []

    def after(path: str, width: int) -> Callable[..., None]:
        def hook(*_: Any) -> None:
            ran.update({block: width for block in paths if path.startswith(f"{block}.")})

        return hook

    def before(width: int | None) -> Callable[..., None]:
        def hook(*_: Any) -> None:
            for block in ended:
                found[block] |= {width} if width else set()
            ended.clear()

        return hook

    def end(block: str) -> Callable[..., None]:
        def hook(*_: Any) -> None:
            if block in ran:
                found[block] = {ran[block]}
                ended.add(block)

        return hook

    for path, module in loaded.module.named_modules():
        width = _own_width(module)
        if width is not None:
            handles.append(module.register_forward_hook(after(path, width)))
            handles.append(module.register_forward_pre_hook(before(_in_width(module))))
        if path in paths:
            handles.append(module.register_forward_hook(end(path)))
    with torch.no_grad():
        loaded.module(synthetic_images(loaded.transform, 2))
    for handle in handles:
        handle.remove()
    for path, width in _staying(loaded, paths).items():
        found.setdefault(path, set()).add(width)
    return found


def _staying(loaded: LoadedTarget, paths: list[str]) -> dict[str, int]:
    """The one size in each block's output that does not follow the image's, as far as it runs."""
    shapes: dict[str, list[torch.Size]] = {}
    handles = []

    def keep(path: str) -> Callable[..., None]:
        def hook(_module: nn.Module, _inputs: Any, output: Any) -> None:
            if torch.is_tensor(output):
                shapes.setdefault(path, []).append(output.shape)

        return hook

    for path in paths:
        block = loaded.module.get_submodule(path)
        handles += [block.register_forward_hook(keep(path))]
    images = synthetic_images(loaded.transform, 2)
    for height, width in ((0, 0), (32, 64)):
        larger = nn.functional.pad(images, (0, width, 0, height))
        with torch.no_grad(), suppress(Exception):
            loaded.module(larger)
    for handle in handles:
        handle.remove()
    found = {}
    for path, seen in shapes.items():
        if len(seen) == 2 and len(seen[0]) == len(seen[1]) > 2:
            same = [a for a, b in zip(seen[0][1:], seen[1][1:], strict=True) if a == b]
            found |= {path: same[0]} if len(same) == 1 else {}
    return found
