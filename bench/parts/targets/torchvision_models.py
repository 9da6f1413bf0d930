"""Any architecture of torchvision, with torchvision's weights or those of a file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, ClassVar

from bench.downloads.requirements import unmet_path
from bench.errors import UserError, nearest
from bench.files import sha256_file
from bench.networks.loaded import LoadedTarget
from bench.networks.state_dict import is_auxiliary, load_into
from bench.networks.weights_file import WeightsFile
from bench.parts.targets.built import ready
from bench.parts.targets.published import (
    entry_of_weights,
    find_weights,
    keeps_promise,
    unmet_weights,
)
from bench.parts.targets.torchvision_weights import build, entry_of_file, file_of_entry, find_entry
from bench.parts.targets.transform import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    RESIZE,
    SIZE,
    TransformParams,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor, nn

    from bench.downloads.entry import Download
    from bench.downloads.requirements import Requirement
    from bench.parts.protocols import Fingerprint
    from bench.parts.targets.built import Transform

__all__ = ["IMAGENET_MEAN", "IMAGENET_STD", "TorchvisionTarget"]

_CLASSES = 1000
"""Final units that torchvision's architectures have by default."""

SWITCHED = {"googlenet": "1378be20", "inception_v3": "0cc3c7bd"}
"""Architectures that may bring their input from ImageNet's mean and std to 0.5 and 0.5 before all
else, with the first digits of the sha256 of torchvision's published weights, which need it. The
switch stands in no state dict."""

PLAIN = re.compile(
    r"(alexnet|densenet|efficientnet|googlenet|inception|mnasnet|mobilenet|regnet|resnet|resnext"
    r"|shufflenet|squeezenet|vgg|wide_resnet)[\dv_]"
)
"""Beginnings of architectures whose layers all give [B, U, H, W] or [B, U]."""


@dataclass(frozen=True)
class TorchvisionTarget(TransformParams):
    """A torchvision network.

    Attributes:
        arch: Name in torchvision: "resnet50", "squeezenet1_0", "vit_b_16".
        weights: One of torchvision's own weights ("IMAGENET1K_V2", "DEFAULT"); give this or `file`.
            Their file is looked for in torch's hub cache, then in the data folder; else downloaded.
        file: A state dict: .safetensors, .pth, .pt or .pth.tar.
        state_dict: Which state dict of the file, where it holds several: the keys that lead to it,
            joined by dots ("state_dict_ema"); maybe with a prefix of its names, and then what has
            another is left out ("state_dict.model").
        num_classes: Units of the final layer; read off the file where null.
        transform_input: Of inception_v3 and googlenet with a file: whether the network first
            brings its input from ImageNet's mean and std to 0.5 and 0.5, as torchvision's published
            weights need it. Known where the file is theirs, else it must be given.

    Where `input_size`, `resize`, `mean` and `std` are all null, torchvision's weights bring their
    own transform, and a file gets 224, 256 and ImageNet's mean and std.
    """

    summary: ClassVar[str] = "a torchvision architecture with its own weights or a file's"

    arch: str
    weights: str = ""
    file: str = ""
    state_dict: str = ""
    num_classes: int | None = None
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
                "torchvision's own weights say it" if self.weights else f"{self.arch} has no such",
                where="target.params.transform_input",
                hint="leave it out",
            )
        super().__post_init__()

    def fingerprint(self) -> Fingerprint:
        """Architecture, weights and transform.

        Raises:
            UserError: The file is missing, or does not say what the network does to its input.
        """
        switched = {"transform_input": True} if self.file and self._transforms_input else {}
        return {
            "kind": "torchvision",
            "arch": self.arch,
            "weights": self._weights_identity(),
            "transform": self._transform_identity(),
            **switched,
        }

    def unmet_requirements(self) -> tuple[Requirement, ...]:
        """The file, or torchvision's, where it is not here."""
        if self.file:
            return unmet_path(self.file, "file of weights", "target.params.file")
        return unmet_weights(self.arch, self.weights)

    def module_paths(self) -> tuple[str, ...]:
        """Paths of the network's modules, without its weights."""
        self._require_arch()
        # Heads of training alone, which torchvision's own weights leave out.
        named = self._outline().named_modules(remove_duplicate=False)
        return tuple(path for path, _ in named if path and not is_auxiliary(path))

    @property
    def plain_layers(self) -> bool:
        """Whether its layers all give [B, U, H, W] or [B, U]; known by name, without torch."""
        return PLAIN.match(f"{self.arch}_") is not None

    def untrained(self) -> LoadedTarget:
        """The network with random weights, which its layers' layouts do not hang on.

        Raises:
            UserError: No such architecture.
        """
        self._require_arch()
        module = self._build(self.num_classes or _CLASSES).eval().requires_grad_(False)
        if not self._own_transform:
            return LoadedTarget(module, self._transform())
        return LoadedTarget(module, find_entry(self.arch, self.weights).transforms())

    def load(self, device: str) -> LoadedTarget:
        """Build the network and read its weights.

        Raises:
            UserError: No such architecture or weights, or a file that does not fit.
        """
        self._require_arch()
        if self.file:
            module, notes = self._from_file()
            return ready(module, self._transform(), device, notes)
        return ready(*self._from_torchvision(), device)

    @property
    def visible_share(self) -> float | None:
        """Share of an image's shorter side that the network sees; None where nobody knows."""
        if self._own_transform and self._weights_entry:
            return SIZE / RESIZE  # what torchvision's presets of these weights do
        return super().visible_share

    @property
    def _own_transform(self) -> bool:
        return bool(self.weights) and not self._given

    @property
    def _weights_entry(self) -> Download | None:
        """What `dissectbench fetch` knows of torchvision's weights, if anything."""
        return entry_of_weights(self.arch, self.weights)

    def _transform_identity(self) -> Mapping[str, Any]:
        if self._own_transform:
            return {"own": f"{self.arch}/{self.weights}", "torchvision": version("torchvision")}
        return self._values_identity()

    def _weights_identity(self) -> Mapping[str, Any]:
        if self.file:
            return self._file.identity()
        # torchvision publishes the bytes of a named entry under their hash: the name pins them,
        # unless other bytes lie under it here. Of entries that are not known without torch, a file
        # that differs is refused by `load`.
        entry = self._weights_entry
        local = find_weights(entry.file_name) if entry else None
        if local and not keeps_promise(local):
            return {"sha256": sha256_file(local)}
        # DEFAULT moves from version to version.
        moving = {"version": version("torchvision")} if self.weights == "DEFAULT" else {}
        return {"torchvision": f"{self.arch}/{self.weights}", **moving}

    def _require_arch(self) -> None:
        from torchvision import models

        known = models.list_models(module=models)
        if self.arch not in known:
            raise UserError(
                f"torchvision has no architecture {self.arch!r}",
                where="target.params.arch",
                valid=nearest(self.arch, known),
                hint=f"choose among: {', '.join(known)}",
            )

    def _from_torchvision(self) -> tuple[nn.Module, Transform]:
        entry = find_entry(self.arch, self.weights)
        file = file_of_entry(self.arch, self.weights, entry)
        hint = "delete this file; it is fetched anew"
        module = build(self.arch, entry, file, where="target.params.weights", hint=hint)
        return module, entry.transforms() if self._own_transform else self._transform()

    def _from_file(self) -> tuple[nn.Module, tuple[str, ...]]:
        what, switch = f"torchvision's {self.arch}", self._transforms_input
        if (entry := self._published_entry) is not None:
            hint = f"{what} of this version cannot read its own weights: update torchvision"
            module = build(self.arch, entry, self._file.path, where=self._file.where, hint=hint)
            return module, self._notes(entry)
        outline = self._outline()
        found = self._file.find(outline, what)
        classes = self.num_classes or _count_classes(found.tensors, outline)
        module = self._build(classes, transform_input=switch)
        load_into(module, found, what=what, where=self._file.where)
        return module, found.notes

    @property
    def _file(self) -> WeightsFile:
        return WeightsFile(self.file, self.state_dict)

    @property
    def _published_entry(self) -> Any:
        """The published weights that the file holds, where nothing is asked of them; else None."""
        entry = entry_of_file(self.arch, self._file.path)
        if entry is None or self.transform_input is False or self.state_dict:
            return None
        own = len(entry.meta["categories"])
        return entry if self.num_classes in (None, own) else None

    @property
    def _transforms_input(self) -> bool:
        """Whether the network changes its input first, where a file does not say it.

        Raises:
            UserError: It is not known and must be given.
        """
        if self.arch not in SWITCHED or self.transform_input is not None:
            return bool(self.transform_input)
        if sha256_file(self._file.path).startswith(SWITCHED[self.arch]):
            return True
        raise UserError(
            f"no file says whether {self.arch} was trained with transform_input: torchvision's "
            "published weights, and what was fine-tuned from them, need true; a network trained "
            "on inputs of ImageNet's mean and std needs false",
            where="target.params.transform_input",
            hint="add target.params.transform_input=true or target.params.transform_input=false",
        )

    def _notes(self, entry: Any) -> tuple[str, ...]:
        """What is told of a file that holds published weights."""
        told = f"weights: the file holds torchvision's {entry}"
        preset = entry.transforms()
        own = [preset.crop_size[0], preset.resize_size[0]]
        if self._given or own == list(self._transform_values()[:2]):
            return (told,)
        sizes = f"target.params.input_size={own[0]} target.params.resize={own[1]}"
        return (f"{told}, whose own transform is {sizes}",)

    def _outline(self) -> nn.Module:
        """The network without weights."""
        import torch

        with torch.device("meta"):
            return self._build(self.num_classes or _CLASSES)

    def _build(self, classes: int, *, transform_input: bool = False) -> nn.Module:
        import warnings

        from torchvision import models

        arguments = {}
        if self.arch in SWITCHED:  # their random weights take seconds, and are overwritten
            arguments = {"transform_input": transform_input, "init_weights": False}
        with warnings.catch_warnings():  # some architectures warn of their slow random init
            warnings.simplefilter("ignore", FutureWarning)
            module: nn.Module = models.get_model(
                self.arch, weights=None, num_classes=classes, **arguments
            )
        return module


def _count_classes(tensors: Mapping[str, Tensor], outline: nn.Module) -> int:
    """Number of final units: where the file differs from a 1000-class network in that alone."""
    own = outline.state_dict()
    for name, tensor in tensors.items():
        mine = own.get(name)
        if mine is None or mine.ndim != tensor.ndim or mine.ndim == 0:
            continue
        resized = mine.shape[0] == _CLASSES != tensor.shape[0]
        if resized and mine.shape[1:] == tensor.shape[1:]:
            return int(tensor.shape[0])
    return _CLASSES
