"""Features of exemplars: maps of a network's layers, averaged under masks (MILAN, section 3.2).

Only the layers' maps are masked, not the image: each map is averaged with the resized mask as
weights, and the averages of all layers are concatenated. The network therefore sees each image
once, for all units and masks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn
from torch.nn.functional import interpolate
from tqdm import tqdm

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from baselines.spatial import Exemplars

_NOTHING = 1e-8
"""Sum of a resized mask up to which it counts as empty."""


def mask_weights(masks: Tensor, size: tuple[int, int]) -> Tensor:
    """Turn masks into weights over a map's cells.

    Args:
        masks: [B, S, S], bool or float.
        size: Size (h, w) of the map.

    Returns:
        float32 [B, h, w]: the masks resized by bilinear interpolation (without antialiasing),
        normalised to a sum of 1, or all 0 if the resized mask is empty.
    """
    resized = interpolate(
        masks.unsqueeze(1).float(), size=size, mode="bilinear", align_corners=False, antialias=False
    ).squeeze(1)
    total = resized.sum(dim=(1, 2), keepdim=True)
    return torch.where(total > _NOTHING, resized / total.clamp_min(_NOTHING), 0.0)


class Pyramid(nn.Module):
    """A frozen network with features from its layers.

    Args:
        module: Network with 4-D maps in these layers; set to eval mode and frozen.
        layers: Names as in `module.named_modules()`, in the order of the feature.
        mean: Means of the input's channels, for values in [0, 1].
        std: Standard deviations of the input's channels.
        image_size: Side S of the images.

    Attributes:
        image_size: Side S of the images.
        sizes: Sizes (C, h, w) of the layers' maps.

    Raises:
        ValueError: There is no such layer, or it has no maps.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        module: nn.Module,
        layers: Sequence[str],
        mean: Sequence[float],
        std: Sequence[float],
        image_size: int,
    ) -> None:
        super().__init__()
        self.module = module.eval().requires_grad_(False)
        self.layers = tuple(layers)
        self.image_size = image_size
        self.register_buffer("mean", torch.tensor(mean, dtype=torch.float32).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(std, dtype=torch.float32).view(1, 3, 1, 1))
        found = dict(module.named_modules())
        missing = [name for name in self.layers if name not in found]
        if missing or not self.layers:
            raise ValueError(f"no such layer: {', '.join(missing) or 'none is named'}")
        self._maps: dict[str, Tensor] = {}
        for name in self.layers:
            found[name].register_forward_hook(self._keeper(name))
        self.to(next(module.parameters(), self.mean).device)
        blank = np.zeros((1, image_size, image_size, 3), np.uint8)
        self.sizes = tuple((one.shape[1], one.shape[2], one.shape[3]) for one in self._run(blank))

    @property
    def feature_size(self) -> int:
        """Feature size F: the channels of all layers."""
        return sum(size[0] for size in self.sizes)

    def train(self, mode: bool = True) -> Pyramid:
        """Keep eval mode: the network is frozen."""
        super().train(False)
        return self

    def features(self, images: NDArray[np.uint8]) -> list[Tensor]:
        """Return the layers' maps.

        Args:
            images: uint8 [B, S, S, 3].

        Returns:
            float32 [B, C, h, w] of each layer, on the network's device.

        Raises:
            ValueError: The images have another size.
        """
        if images.shape[1:] != (self.image_size, self.image_size, 3):
            side = self.image_size
            raise ValueError(f"images of shape {images.shape}, not [B, {side}, {side}, 3]")
        return self._run(images)

    @torch.no_grad()  # not inference_mode: the features may train a decoder
    def masked_features(
        self,
        exemplars: Exemplars,
        units: Sequence[int],
        *,
        batch_size: int = 64,
        progress: bool = False,
    ) -> Tensor:
        """Return features of units' exemplars.

        The network sees each image once; memory holds the maps of `batch_size` images, and all
        masks with one bit per pixel.

        Args:
            exemplars: Exemplars of the layer, with images of `image_size`.
            units: The n units, without dead ones.
            batch_size: Images per batch.
            progress: Show a progress bar on a terminal.

        Returns:
            float32 [n, K, F] on the CPU; 0 for empty masks.

        Raises:
            ValueError: A unit is dead, or the exemplars have another size.
        """
        if exemplars.size != self.image_size:
            raise ValueError(f"exemplars of {exemplars.size} pixels, not {self.image_size}")
        ids = exemplars.ids[np.asarray(units, np.int64)]  # [n, K]
        if (ids < 0).any():
            raise ValueError("a dead unit has no exemplars")
        n, k = ids.shape
        out = torch.zeros(n * k, self.feature_size)
        packed = [np.packbits(exemplars.masks(unit).reshape(k, -1), axis=1) for unit in units]
        bits = np.concatenate(packed) if packed else np.empty((0, 0), np.uint8)
        order = np.argsort(ids, axis=None, kind="stable")
        images, first = np.unique(ids.ravel()[order], return_index=True)
        ends = np.append(first, n * k)
        bar = tqdm(total=len(images), unit="image", disable=None if progress else True)
        with bar:
            for begin in range(0, len(images), batch_size):
                batch = images[begin : begin + batch_size]
                bounds = ends[begin : begin + len(batch) + 1]
                maps = self.features(exemplars.images(batch.tolist()))
                pairs = order[bounds[0] : bounds[-1]]
                out[torch.from_numpy(pairs)] = self._pooled(maps, bits[pairs], np.diff(bounds))
                bar.update(len(batch))
        return out.view(n, k, self.feature_size)

    def _pooled(
        self, maps: Sequence[Tensor], bits: NDArray[np.uint8], counts: NDArray[np.int64]
    ) -> Tensor:
        """Return features of a batch's pairs; the first `counts[0]` are of the first image."""
        side = self.image_size
        pixels = np.unpackbits(bits, axis=1, count=side * side).reshape(-1, side, side)
        masks = torch.from_numpy(pixels).to(self.mean.device)
        columns = []
        for one in maps:
            weights = mask_weights(masks, (one.shape[2], one.shape[3])).flatten(1)
            # One product for all masks of an image, without copies of the map.
            parts = torch.split(weights, counts.tolist())
            pooled = [part @ cells.T for part, cells in zip(parts, one.flatten(2), strict=True)]
            columns.append(torch.cat(pooled))
        return torch.cat(columns, dim=1).cpu()

    @torch.no_grad()  # not inference_mode: the features may train a decoder
    def _run(self, images: NDArray[np.uint8]) -> list[Tensor]:
        values = torch.from_numpy(np.ascontiguousarray(images)).to(self.mean.device)
        values = values.permute(0, 3, 1, 2).float().div_(255)
        self._maps = {}
        try:
            self.module((values - self.mean) / self.std)
            found = [self._maps.get(name) for name in self.layers]
        finally:
            self._maps = {}
        maps = []
        for name, one in zip(self.layers, found, strict=True):
            if one is None or one.ndim != 4:
                raise ValueError(f"layer {name} has no maps [B, C, h, w]")
            maps.append(one.float())
        return maps

    def _keeper(self, name: str) -> Any:
        def keep(module: nn.Module, inputs: Any, output: Any) -> None:
            if isinstance(output, torch.Tensor):
                self._maps[name] = output.clone()  # a following ReLU may work in place

        return keep
