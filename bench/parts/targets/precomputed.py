"""A network's activations in files; the network itself is not needed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

import numpy as np

from bench.downloads.paths import user_path
from bench.errors import UserError, nearest
from bench.parts.array_files import FORMATS, ArrayFile, parse_array_file, unmet_array
from bench.parts.image_names import read_texts, require_images
from bench.parts.layer_arrays import LayerArrays
from leaderboards.hashing import canonical_json, sha256_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from bench.downloads.requirements import Requirement
    from bench.parts.array_files import OpenArray
    from bench.parts.protocols import Fingerprint, Probe

_WHERE = "target.params.path"

ONLY_LAYER = "activations"
"""Name of the layer where a single array is given."""


@dataclass(frozen=True)
class PrecomputedTarget:
    """Activations [images, units] or maps [images, units, rows, columns] of layers, in files.

    Rows are the images of the probe set, in its order. `target.pooling` says how maps are pooled.

    Attributes:
        path: A file (PATH or PATH::NAME), a folder of files, or {layer: PATH::NAME}. The layers of
            a folder are its files without extension; those of a file with several arrays are its
            arrays; a single array is the layer "activations".
        names: Names of the images, one per row, to compare with the probe set's: a text file, or
            PATH::NAME of an array of texts; empty to compare the number of rows only.
        visible_share: Side of the central square that the network saw, as a share of the image's
            shorter side; null if unknown. Methods that compare maps with images or masks need it.
        squashes: Whether the network saw the whole image, resized to a square.
    """

    summary: ClassVar[str] = "activations or maps in files, of any network"
    view_hint: ClassVar[str] = (
        "say what the network saw of an image: target.params.visible_share=1 (the largest central "
        "square) or target.params.squashes=true (all of it, resized to a square)"
    )

    path: Any
    names: str = ""
    visible_share: float | None = None
    squashes: bool = False

    def __post_init__(self) -> None:
        path = self.path
        if isinstance(path, dict) and path and all(isinstance(v, str) for v in path.values()):
            path = canonical_json(path)
        if not isinstance(path, str) or not path:
            raise UserError(
                f"invalid path {path!r}",
                where=_WHERE,
                hint="give PATH, PATH::NAME, a folder, or {layer: PATH::NAME}",
            )
        object.__setattr__(self, "path", path)
        if self.visible_share is not None and not 0 < self.visible_share <= 1:
            raise UserError(
                f"invalid share {self.visible_share}",
                where="target.params.visible_share",
                hint="give a number above 0 and up to 1, or null if unknown",
            )
        if self.squashes:
            object.__setattr__(self, "visible_share", 1.0)

    @property
    def parameters(self) -> dict[str, Any]:
        """Parameters for the record; several files as one text."""
        return {
            "path": self.path if self._by_layer is None else ", ".join(self._by_layer.values()),
            "names": self.names,
            "visible_share": self.visible_share,
            "squashes": self.squashes,
        }

    def fingerprint(self) -> Fingerprint:
        """Return content, shape and type of each layer's array, names, and the visible part."""
        arrays = {}
        for layer, file in self._files.items():
            opened = file.open()
            arrays[layer] = {
                "sha256": file.sha256(),
                **({"array": file.name} if file.name else {}),
                "shape": list(opened.shape),
                "dtype": opened.dtype,
            }
        names = {"names": sha256_json(list(self._names))} if self._names else {}
        view = {"visible_share": self.visible_share} if self.visible_share else {}
        squashes = {"squashes": True} if self.squashes else {}
        return {"kind": "precomputed", "arrays": arrays, **names, **view, **squashes}

    def unmet_requirements(self) -> tuple[Requirement, ...]:
        """Return the missing files."""
        paths = [self.path] if self._by_layer is None else self._by_layer.values()
        unmet = [unmet_array(path, "file of activations", _WHERE) for path in paths]
        unmet.append(unmet_array(self.names, "list of image names", "target.params.names"))
        return tuple(requirement for each in unmet for requirement in each)

    def module_paths(self) -> tuple[str, ...]:
        """Return the names of the layers."""
        return tuple(self._files)

    def load(self, device: str) -> NoReturn:
        """Raise a UserError: arrays have no network."""
        raise UserError(
            "the target is activations in files, and this needs the network itself",
            where="target",
            hint="choose a target that is a network, such as torchvision, timm or callable",
        )

    def arrays(self, layer: str, probe: Probe) -> LayerArrays:
        """Return a layer's activations; see `GivesArrays`."""
        if layer not in self._files:
            raise UserError(
                f"there are no activations of the layer {layer!r}",
                where="target.layers",
                valid=nearest(layer, self._files),
                hint=f"choose among: {', '.join(self._files)}",
            )
        opened = self._files[layer].open()
        opened.require_shape("images x units", "images x units x rows x columns")
        n, units, *size = opened.shape
        require_images(opened.path, n, self._names, probe, _WHERE)
        if not size:
            return LayerArrays(n, units, None, opened.read)
        return LayerArrays(
            n, units, (size[0], size[1]), lambda: _average(opened), lambda: opened.blocks()
        )

    @property
    def _by_layer(self) -> Mapping[str, str] | None:
        """The files by layer, where they are given so."""
        by_layer: Mapping[str, str] = json.loads(self.path) if self.path.startswith("{") else {}
        return by_layer or None

    @cached_property
    def _files(self) -> dict[str, ArrayFile]:
        if self._by_layer is not None:
            return {layer: parse_array_file(path, _WHERE) for layer, path in self._by_layer.items()}
        folder = user_path(self.path)
        if folder.is_dir():
            files = sorted(f for f in folder.iterdir() if f.suffix.lower() in FORMATS)
            if not files:
                raise UserError(
                    f"no arrays in {self.path}",
                    where=_WHERE,
                    hint=f"searched for files {', '.join(FORMATS)}",
                )
            return {file.stem: ArrayFile(str(file), "", _WHERE) for file in files}
        file = parse_array_file(self.path, _WHERE)
        names = () if file.name else file.names()
        if len(names) > 1:
            return {name: ArrayFile(file.path, name, _WHERE) for name in names}
        return {ONLY_LAYER: file}

    @cached_property
    def _names(self) -> tuple[str, ...]:
        return read_texts(self.names, "target.params.names") if self.names else ()


def _average(opened: OpenArray) -> NDArray[np.float32]:
    """Return the average of each map, by the function that averages a network's maps."""
    import torch

    parts = [torch.from_numpy(block).mean(dim=(2, 3)).numpy() for block in opened.blocks()]
    return np.concatenate(parts)
