"""Any model of timm, with timm's weights or those of a file."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from bench.downloads.hub.models import find_model
from bench.downloads.requirements import Requirement, unmet_path
from bench.errors import UserError, nearest
from bench.networks.loaded import LoadedTarget
from bench.networks.state_dict import load_into
from bench.networks.weights_file import WeightsFile
from bench.offline import is_offline, offline
from bench.parts.targets.built import ready
from bench.parts.targets.transform import TransformParams, square_transform

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from PIL.Image import Image
    from torch import Tensor, nn

    from bench.parts.protocols import Fingerprint

_FROM_HUB = "hf-hub:"
_WHERE = "target.params.model"
_FILE = "target.params.file"
_HUB = "a run with a connection gets it from the Hugging Face hub"
_ALL = 4
"""Parameters of a transform."""


@dataclass(frozen=True)
class TimmTarget(TransformParams):
    """A network of timm.

    Attributes:
        model: Name in timm, best with the tag of its weights: "resnet50.a1_in1k"; or
            "hf-hub:owner/model", maybe with "@revision", for one of the Hugging Face hub.
        pretrained: Take the published weights; give this or `file`.
        file: A state dict in timm's names: .safetensors, .pth, .pt, .pth.tar or .bin.
        state_dict: Which state dict of the file, where it holds several: the keys that lead to it,
            joined by dots ("state_dict_ema"); maybe with a prefix of its names, and then what has
            another is left out ("state_dict.model").
        num_classes: Units of the final layer; read off the file where null.

    Of `input_size`, `resize`, `mean` and `std`, what is null is as in the model's own data
    configuration, and so is the interpolation unless all four are given (then bilinear).
    """

    summary: ClassVar[str] = "a timm model with its published weights or a file's"
    packages: ClassVar[tuple[str, ...]] = ("timm",)

    model: str
    pretrained: bool = False
    file: str = ""
    state_dict: str = ""
    num_classes: int | None = None

    def __post_init__(self) -> None:
        if self.pretrained == bool(self.file):
            raise UserError(
                "give the target's weights: either the published ones or a file",
                where="target.params",
                hint="add target.params.pretrained=true or target.params.file=PATH",
            )
        on_hub = self.model.startswith(_FROM_HUB)
        if (":" in self.model and not on_hub) or (on_hub and self.file):
            raise UserError(
                f"{self.model!r} is no name of timm's",
                where=_WHERE,
                hint="give a name such as resnet50.a1_in1k, or hf-hub:owner/model with "
                "pretrained=true; a file goes with a name of the first kind",
            )
        if self.pretrained and self.num_classes is not None:
            raise UserError(
                "published weights have their own number of classes",
                where="target.params.num_classes",
                hint="leave it out",
            )
        super().__post_init__()

    def fingerprint(self) -> Fingerprint:
        """Name, weights and transform; timm's version where its own defaults decide something.

        Raises:
            UserError: The file is missing, or the hub cannot say which commit it is.
        """
        return {
            "kind": "timm",
            "model": self.model,
            "weights": self._weights_identity(),
            "transform": self._transform_identity(),
        }

    def unmet_requirements(self) -> tuple[Requirement, ...]:
        """The file, or the published weights, where they are not here."""
        if self.file:
            return unmet_path(self.file, "file of weights", _FILE)
        from huggingface_hub import constants

        name = self.model.removeprefix(_FROM_HUB).partition("@")[0]
        if name == self.model:
            # Without a tag timm takes its default one, whatever that is: any will do.
            name = f"timm/{name}" if "." in name else f"timm/{name}.*"
        for folder in Path(constants.HF_HUB_CACHE).glob(f"models--{name.replace('/', '--')}"):
            if any(file.suffix in (".safetensors", ".bin") for file in folder.rglob("*")):
                return ()
        return (Requirement(f"timm's {self.model} (weights)", _HUB, automatic=True),)

    def module_paths(self) -> tuple[str, ...]:
        """Paths of the network's modules, without its weights."""
        named = self._outline().named_modules(remove_duplicate=False)
        return tuple(path for path, _ in named if path)

    def untrained(self) -> LoadedTarget:
        """The network with random weights, which its layers' layouts do not hang on.

        Raises:
            UserError: No such model.
        """
        on_hub = self.model.startswith(_FROM_HUB)  # where its architecture is written, too
        module = self._published() if on_hub else self._build()
        module = module.eval().requires_grad_(False)
        return LoadedTarget(module, self._transform_of(module))

    def load(self, device: str) -> LoadedTarget:
        """Build the network and read its weights.

        Raises:
            UserError: No such model or weights, or a file that does not fit.
        """
        module, notes = self._from_file() if self.file else (self._published(), ())
        return ready(module, self._transform_of(module), device, notes)

    @property
    def _weights(self) -> WeightsFile:
        return WeightsFile(self.file, self.state_dict, _FILE)

    @property
    def _own_transform(self) -> bool:
        # What an image is cut to is known where both sizes are.
        return self.input_size is None or self.resize is None

    def _transform_identity(self) -> Mapping[str, Any]:
        if len(self._given) == _ALL:
            return self._values_identity()
        return {"own": self.model, "timm": version("timm"), **self._given}

    def _weights_identity(self) -> Mapping[str, Any]:
        if self.file:
            return self._weights.identity()
        if self.model.startswith(_FROM_HUB):
            name, _, revision = self.model.removeprefix(_FROM_HUB).partition("@")
            return find_model(name, revision or "main", where=_WHERE).identity()
        # A tag names weights for good; without one, timm's default may be another tomorrow.
        moving = {} if "." in self.model else {"version": version("timm")}
        return {"timm": self.model, **moving}

    def _published(self) -> nn.Module:
        import timm

        name = self.model
        if name.startswith(_FROM_HUB):
            found = find_model(
                name.removeprefix(_FROM_HUB).partition("@")[0],
                name.partition("@")[2] or "main",
                where=_WHERE,
            )
            name = f"{_FROM_HUB}{found.source}@{found.revision}"
        else:
            self._require_model()
        try:
            with offline(is_offline()):
                module: nn.Module = timm.create_model(name, pretrained=True)
        except Exception as error:  # no connection, no such weights: one class each
            raise UserError(
                f"cannot get the weights of {self.model}: {error}",
                where=_WHERE,
                hint=f"check name and connection, or get the file elsewhere and give it as {_FILE}",
            ) from error
        return module

    def _from_file(self) -> tuple[nn.Module, tuple[str, ...]]:
        what, outline = f"timm's {self.model}", self._outline()
        # A file without a classifier is one of a network without.
        head = f"{self._classifier}."
        optional = [name for name in outline.state_dict() if name.startswith(head)]
        found = self._weights.find(outline, what, optional=optional)
        classes = self.num_classes
        if classes is None:
            classes = self._count_classes(found.tensors)
        module = self._build(classes)
        load_into(module, found, what=what, where=_FILE)
        return module, found.notes

    def _outline(self) -> nn.Module:
        """The network without weights, where it can be built so."""
        import torch

        try:
            with torch.device("meta"):
                return self._build()
        except UserError:
            raise
        except Exception:  # some models compute with numbers while they are built
            return self._build()

    def _build(self, classes: int | None = None) -> nn.Module:
        """The network with random weights; `classes` None for as many as timm gives it."""
        import timm

        if not self.model.startswith(_FROM_HUB):
            self._require_model()
        more = {} if classes is None else {"num_classes": classes}
        module: nn.Module = timm.create_model(self.model, pretrained=False, **more)
        return module

    @property
    def _classifier(self) -> str:
        """Module path of the classifier, of several the first; empty where timm names none."""
        import timm

        self._require_model()
        config = timm.get_pretrained_cfg(self.model)
        named = config.classifier if config is not None else None
        return str((named[0] if isinstance(named, list | tuple) else named) or "")

    def _count_classes(self, tensors: Mapping[str, Tensor]) -> int | None:
        """Final units by the file's classifier; 0 where it has none, None where timm names none."""
        if not self._classifier:
            return None
        weight = tensors.get(f"{self._classifier}.weight")
        return 0 if weight is None else int(weight.shape[0])

    def _require_model(self) -> None:
        import timm

        fault, known = "", timm.list_models()
        if not timm.is_model(self.model):
            fault = f"timm has no model {self.model!r}"
        else:
            try:
                timm.get_pretrained_cfg(self.model)
            except RuntimeError as error:  # no such tag
                fault = str(error)
                known = timm.list_models(f"{self.model.partition('.')[0]}.*", pretrained=True)
        if fault:
            raise UserError(
                fault,
                where=_WHERE,
                valid=nearest(self.model, known),
                hint='`python -c "import timm; print(timm.list_models(pretrained=True))"` '
                "lists all",
            )

    def _transform_of(self, module: nn.Module) -> Callable[[Image], Tensor]:
        if len(self._given) == _ALL:
            return self._transform()
        from timm.data import create_transform, resolve_model_data_config

        given: dict[str, Any] = {
            name: self._given[name] for name in ("mean", "std") if name in self._given
        }
        if self.input_size is not None:
            given["input_size"] = (3, self.input_size, self.input_size)
        config = resolve_model_data_config(module, args=given)
        if self.resize is None:
            own: Callable[[Image], Tensor] = create_transform(**config, is_training=False)
            return own
        size, mean, std = config["input_size"][-1], tuple(config["mean"]), tuple(config["std"])
        return square_transform(size, self.resize, mean, std, config["interpolation"])
