"""Models of timm, with timm's weights or those of a file."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from bench.downloads.hub.models import ModelFiles, find_model
from bench.downloads.requirements import Requirement
from bench.errors import UserError, nearest
from bench.offline import is_offline, offline
from bench.parts.targets.library import LibraryTarget
from bench.parts.targets.transform import square_transform
from bench.parts.targets.weights import published_identity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor, nn

    from bench.parts.protocols import Fingerprint
    from bench.parts.targets.networks import Transform

_HUB = "hf-hub:"
_WHERE = "target.params.model"


@dataclass(frozen=True)
class TimmTarget(LibraryTarget):
    """A model of timm.

    Attributes:
        model: Name in timm, best with the tag of its weights: "resnet50.a1_in1k"; or
            "hf-hub:owner/model", maybe with "@revision", for a model of the Hugging Face hub.
        pretrained: Use the published weights; give this or `file`.
        file: A state dict with timm's tensor names: .safetensors, .pth, .pt, .pth.tar or .bin;
            empty for no file.

    What is null of `input_size`, `resize`, `mean` and `std` comes from the model's own data
    config, and so does the interpolation unless all four are given (then bilinear).
    """

    summary: ClassVar[str] = "a timm model with its published weights or a file's"
    packages: ClassVar[tuple[str, ...]] = ("timm",)
    library: ClassVar[str] = "timm"

    model: str
    pretrained: bool = False

    def __post_init__(self) -> None:
        if self.pretrained == bool(self.file):
            raise UserError(
                "give the target's weights: either the published ones or a file",
                where="target.params",
                hint="add target.params.pretrained=true or target.params.file=PATH",
            )
        if (":" in self.model and not self._on_hub) or (self._on_hub and self.file):
            raise UserError(
                f"invalid name of a timm model: {self.model!r}",
                where=_WHERE,
                hint="give a name such as resnet50.a1_in1k, or hf-hub:owner/model with "
                "pretrained=true; a file needs a name of the first kind",
            )
        if self.pretrained and self.num_classes is not None:
            raise UserError(
                "published weights have their own number of classes",
                where="target.params.num_classes",
                hint="leave it out",
            )
        super().__post_init__()

    def fingerprint(self) -> Fingerprint:
        """Return name, weights and transform; timm's version if its defaults decide something."""
        four = len(self._given) == 4
        defaults = {"own": self.model, "timm": version("timm"), **self._given}
        return {
            "kind": "timm",
            "model": self.model,
            "weights": self._weights_identity(),
            "transform": self._values_identity() if four else defaults,
        }

    @property
    def _model(self) -> str:
        return self.model

    @property
    def _on_hub(self) -> bool:
        return self.model.startswith(_HUB)

    def _files_on_hub(self) -> ModelFiles:
        name, _, revision = self.model.removeprefix(_HUB).partition("@")
        return find_model(name, revision or "main", where=_WHERE)

    def _unmet_weights(self) -> tuple[Requirement, ...]:
        from huggingface_hub import constants

        name = self.model.removeprefix(_HUB).partition("@")[0]
        if not self._on_hub:
            # Without a tag, timm uses its default one, which only timm knows: accept any.
            name = f"timm/{name}" if "." in name else f"timm/{name}.*"
        for folder in Path(constants.HF_HUB_CACHE).glob(f"models--{name.replace('/', '--')}"):
            if any(file.suffix in (".safetensors", ".bin") for file in folder.rglob("*")):
                return ()
        hint = "a run with a connection gets it from the Hugging Face hub"
        return (Requirement(f"timm's {self.model} (weights)", hint, automatic=True),)

    @property
    def _own_transform(self) -> bool:
        # The visible part of an image is known if both sizes are.
        return self.input_size is None or self.resize is None

    def _published_identity(self) -> Fingerprint:
        if self._on_hub:
            return self._files_on_hub().identity()
        # A tag always names the same weights; timm's default tag may change.
        return published_identity("timm", self.model, fixed="." in self.model)

    def _from_library(self) -> nn.Module:
        import timm

        name = self.model
        if self._on_hub:
            files = self._files_on_hub()
            name = f"{_HUB}{files.source}@{files.revision}"
        try:
            with offline(is_offline()):
                module: nn.Module = timm.create_model(name, pretrained=True)
        except Exception as error:  # each cause has a class of its own
            raise UserError(
                f"cannot get the weights of {self.model}: {error}",
                where=_WHERE,
                hint="check name and connection, or get the file elsewhere and give it as "
                f"{self.where}",
            ) from error
        return module

    def _build(self, classes: int | None = None) -> nn.Module:
        import timm

        more = {} if classes is None else {"num_classes": classes}
        module: nn.Module = timm.create_model(self.model, pretrained=False, **more)
        return module

    def _build_untrained(self) -> nn.Module:
        # The hub has the architecture together with the weights.
        return self._from_library() if self._on_hub else self._build()

    @property
    def _classifier(self) -> str:
        """Module path of the (first) classifier; empty if timm names none."""
        import timm

        config = timm.get_pretrained_cfg(self.model)
        named = config.classifier if config is not None else None
        return str((named[0] if isinstance(named, list | tuple) else named) or "")

    def _optional(self, outline: nn.Module) -> list[str]:
        # A file without a classifier is that of a network without one.
        return [name for name in outline.state_dict() if name.startswith(f"{self._classifier}.")]

    def _classes(self, tensors: Mapping[str, Tensor], outline: nn.Module) -> int | None:
        if self.num_classes is not None or not self._classifier:
            return self.num_classes
        weight = tensors.get(f"{self._classifier}.weight")
        return 0 if weight is None else int(weight.shape[0])

    def _require_model(self) -> None:
        import timm

        if self._on_hub:
            return
        fault, known = "", timm.list_models()
        if not timm.is_model(self.model):
            fault = f"timm has no model {self.model!r}"
        else:
            try:
                timm.get_pretrained_cfg(self.model)
            except RuntimeError as error:  # unknown tag
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

    def _transform_of(self, module: nn.Module) -> Transform:
        if len(self._given) == 4:
            return self._transform()
        from timm.data import create_transform, resolve_model_data_config

        given: dict[str, Any] = {
            name: self._given[name] for name in ("mean", "std") if name in self._given
        }
        if self.input_size is not None:
            given["input_size"] = (3, self.input_size, self.input_size)
        config = resolve_model_data_config(module, args=given)
        if self.resize is None:
            own: Transform = create_transform(**config, is_training=False)
            return own
        size, mean, std = config["input_size"][-1], tuple(config["mean"]), tuple(config["std"])
        return square_transform(size, self.resize, mean, std, config["interpolation"])
