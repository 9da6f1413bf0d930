"""Architectures of torchvision, with torchvision's weights or those of a file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, ClassVar

from bench.errors import UserError, nearest
from bench.files import sha256_file
from bench.networks.state_dict import is_auxiliary
from bench.parts.targets.library import LibraryTarget
from bench.parts.targets.pretrained import (
    build_pretrained,
    entry_of_file,
    file_of_entry,
    find_entry,
)
from bench.parts.targets.torchvision_files import (
    catalog_entry,
    find_weights,
    matches_name,
    unmet_weights,
)
from bench.parts.targets.transform import RESIZE, SIZE
from bench.parts.targets.weights import published_identity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor, nn

    from bench.downloads.entry import Download
    from bench.downloads.requirements import Requirement
    from bench.parts.protocols import Fingerprint
    from bench.parts.targets.networks import Transform

_CLASSES = 1000
"""Final units of torchvision's architectures by default."""

SWITCHED = {"googlenet": "1378be20", "inception_v3": "0cc3c7bd"}
"""First digits of the sha256 of torchvision's published weights of architectures with the option
`transform_input`, which changes the input from ImageNet's mean and std to 0.5 and 0.5. These
weights need it; no state dict contains the option."""

PLAIN = re.compile(
    r"(alexnet|densenet|efficientnet|googlenet|inception|mnasnet|mobilenet|regnet|resnet|resnext"
    r"|shufflenet|squeezenet|vgg|wide_resnet)[\dv_]"
)
"""Prefixes of architectures whose layers all give [B, U, H, W] or [B, U]."""


@dataclass(frozen=True)
class TorchvisionTarget(LibraryTarget):
    """A network of torchvision.

    Attributes:
        arch: Name in torchvision: "resnet50", "squeezenet1_0", "vit_b_16".
        weights: torchvision's own weights ("IMAGENET1K_V2", "DEFAULT"); give this or `file`. Their
            file is searched in torch's hub cache, then in the data folder; else downloaded.
        transform_input: For inception_v3 and googlenet with a file: whether the network first
            changes its input from ImageNet's mean and std to 0.5 and 0.5, as torchvision's
            published weights need it. Required unless the file contains the published weights.

    If `input_size`, `resize`, `mean` and `std` are all null, torchvision's weights use their own
    transform, and a file uses 224, 256 and ImageNet's mean and std.
    """

    summary: ClassVar[str] = "a torchvision architecture with its own weights or a file's"
    library: ClassVar[str] = "torchvision"

    arch: str
    weights: str = ""
    transform_input: bool | None = None

    def __post_init__(self) -> None:
        if bool(self.weights) == bool(self.file):
            raise UserError(
                "give the target's weights: either torchvision's own or a file",
                where="target.params",
                hint="add target.params.weights=DEFAULT or target.params.file=PATH",
            )
        if self.transform_input is not None and (self.weights or self.arch not in SWITCHED):
            raise UserError(
                "torchvision's own weights decide it"
                if self.weights
                else f"{self.arch} has no such option",
                where="target.params.transform_input",
                hint="leave it out",
            )
        super().__post_init__()

    def fingerprint(self) -> Fingerprint:
        """Return architecture, weights and transform."""
        switched = {"transform_input": True} if self.file and self._transforms_input else {}
        return {
            "kind": "torchvision",
            "arch": self.arch,
            "weights": self._weights_identity(),
            "transform": self._transform_identity(),
            **switched,
        }

    def module_paths(self) -> tuple[str, ...]:
        """Return the paths of the network's modules, without reading weights."""
        # torchvision's own weights have no auxiliary heads, which only training uses.
        return tuple(path for path in super().module_paths() if not is_auxiliary(path))

    @property
    def plain_layers(self) -> bool:
        """Whether all layers give [B, U, H, W] or [B, U]; known by name, without torch."""
        return PLAIN.match(f"{self.arch}_") is not None

    @property
    def visible_share(self) -> float | None:
        """Visible share of an image's shorter side; None if unknown."""
        if self._own_transform and self._catalog_entry:
            return SIZE / RESIZE  # as in torchvision's presets of these weights
        return super().visible_share

    @property
    def _model(self) -> str:
        return self.arch

    def _unmet_weights(self) -> tuple[Requirement, ...]:
        return unmet_weights(self.arch, self.weights)

    @property
    def _own_transform(self) -> bool:
        return bool(self.weights) and not self._given

    @property
    def _catalog_entry(self) -> Download | None:
        return catalog_entry(self.arch, self.weights)

    def _transform_identity(self) -> Mapping[str, Any]:
        if self._own_transform:
            return {"own": f"{self.arch}/{self.weights}", "torchvision": version("torchvision")}
        return self._values_identity()

    def _transform_of(self, module: nn.Module) -> Transform:
        if not self._own_transform:
            return self._transform()
        transform: Transform = find_entry(self.arch, self.weights).transforms()
        return transform

    def _published_identity(self) -> Fingerprint:
        # The name of published weights pins their bytes, unless a file of that name on this machine
        # has others. If the name is not known without torch, `load` refuses a file that differs.
        entry = self._catalog_entry
        local = find_weights(entry.file_name) if entry else None
        if local and not matches_name(local):
            return {"sha256": sha256_file(local)}
        name, fixed = f"{self.arch}/{self.weights}", self.weights != "DEFAULT"
        return published_identity("torchvision", name, fixed=fixed)

    def _require_model(self) -> None:
        from torchvision import models

        known = models.list_models(module=models)
        if self.arch not in known:
            raise UserError(
                f"torchvision has no architecture {self.arch!r}",
                where="target.params.arch",
                valid=nearest(self.arch, known),
                hint=f"choose among: {', '.join(known)}",
            )

    def _from_library(self) -> nn.Module:
        entry = find_entry(self.arch, self.weights)
        file = file_of_entry(self.arch, self.weights, entry)
        hint = "delete this file, so that it is downloaded again"
        return build_pretrained(self.arch, entry, file, where="target.params.weights", hint=hint)

    def _from_file(self) -> tuple[nn.Module, tuple[str, ...]]:
        entry = self._published_entry
        if entry is None:
            return super()._from_file()
        file = self._weights_file.path
        hint = f"this version cannot read torchvision's own {self.arch}: update torchvision"
        module = build_pretrained(self.arch, entry, file, where=self.where, hint=hint)
        return module, self._notes(entry)

    @property
    def _published_entry(self) -> Any:
        """The published weights in the file, unless other parameters change them; else None."""
        entry = entry_of_file(self.arch, self._weights_file.path)
        if entry is None or self.transform_input is False or self.state_dict:
            return None
        own = len(entry.meta["categories"])
        return entry if self.num_classes in (None, own) else None

    @property
    def _transforms_input(self) -> bool:
        """Whether the network changes its input first."""
        if self.arch not in SWITCHED or self.transform_input is not None:
            return bool(self.transform_input)
        if sha256_file(self._weights_file.path).startswith(SWITCHED[self.arch]):
            return True
        raise UserError(
            f"transform_input of {self.arch} is unknown: torchvision's published weights, and "
            "networks fine-tuned from them, need true; a network trained on inputs of ImageNet's "
            "mean and std needs false",
            where="target.params.transform_input",
            hint="add target.params.transform_input=true or target.params.transform_input=false",
        )

    def _notes(self, entry: Any) -> tuple[str, ...]:
        """Return notes on a file that contains published weights."""
        note = f"weights: the file holds torchvision's {entry}"
        preset = entry.transforms()
        own = [preset.crop_size[0], preset.resize_size[0]]
        if self._given or own == list(self._transform_values()[:2]):
            return (note,)
        sizes = f"target.params.input_size={own[0]} target.params.resize={own[1]}"
        return (f"{note}, whose own transform is {sizes}",)

    def _build(self, classes: int | None = None) -> nn.Module:
        import warnings

        from torchvision import models

        options: dict[str, bool] = {}
        if self.arch in SWITCHED:  # their slow random initialisation is overwritten
            # Without the number of classes, only names and shapes count.
            changed = classes is not None and self._transforms_input
            options = {"transform_input": changed, "init_weights": False}
        with warnings.catch_warnings():  # about slow initialisation
            warnings.simplefilter("ignore", FutureWarning)
            module: nn.Module = models.get_model(
                self.arch,
                weights=None,
                num_classes=classes or self.num_classes or _CLASSES,
                **options,
            )
        return module

    def _classes(self, tensors: Mapping[str, Tensor], outline: nn.Module) -> int:
        """Return the final units: those of the file if it differs from 1,000 classes in them."""
        if self.num_classes:
            return self.num_classes
        own = outline.state_dict()
        for name, tensor in tensors.items():
            expected = own.get(name)
            if expected is None or expected.ndim != tensor.ndim or expected.ndim == 0:
                continue
            resized = expected.shape[0] == _CLASSES != tensor.shape[0]
            if resized and expected.shape[1:] == tensor.shape[1:]:
                return int(tensor.shape[0])
        return _CLASSES
