"""Semantic-segmentation models of Hugging Face, by name or from a folder."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, ClassVar

from bench.downloads.hub.models import ModelFiles, find_model
from bench.errors import UserError
from bench.parts.hugging_face import check_weights, load_parts
from bench.parts.segmenters.base import CLASSES, ClassSegmenter

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from PIL.Image import Image
    from torch import Tensor

    from bench.parts.segmenters.base import NetworkParts

_WHERE = "segmenter.params.model"


@dataclass(frozen=True)
class HuggingFaceSegmenter(ClassSegmenter):
    """A model that transformers loads as AutoModelForSemanticSegmentation.

    Attributes:
        model: A folder that it was saved to with its image processor, or a name on the hub
            ("nvidia/segformer-b0-finetuned-ade-512-512"; downloaded once).
        revision: Branch, tag or commit on the hub.
        input_size: Side of the network's input, in pixels; if null, the image's own after the
            processor's resizing. Required if the processor does not resize.
    """

    summary: ClassVar[str] = "a semantic-segmentation model of Hugging Face, by name or folder"
    packages: ClassVar[tuple[str, ...]] = ("transformers",)

    model: str
    revision: str = "main"

    def _identity(self) -> Mapping[str, Any]:
        # The library's version decides how a processor resizes.
        transform = {
            "crop": self.crop,
            "size": self.input_size or "own",
            "transformers": version("transformers"),
        }
        return {
            "kind": "hugging_face",
            "model": self._files().identity(),
            "transform": transform,
        }

    def _files(self) -> ModelFiles:
        return find_model(self.model, self.revision, where=_WHERE)

    def _own_names(self) -> tuple[str, ...]:
        named = self._files().config.get("id2label")
        try:
            names = {int(number): str(name) for number, name in (named or {}).items()}
        except (AttributeError, ValueError):
            names = {}
        if not names or sorted(names) != list(range(len(names))):
            raise UserError(
                f"{self.model} does not name its classes (id2label in config.json)",
                where=CLASSES,
                hint="give a text file with their names, one per line",
            )
        return tuple(names[number] for number in range(len(names)))

    def _load(self, names: Sequence[str]) -> NetworkParts:
        from transformers import AutoImageProcessor, AutoModelForSemanticSegmentation

        (processor, module), report = load_parts(
            self._files(),
            self.model,
            (AutoImageProcessor, AutoModelForSemanticSegmentation),
            where=_WHERE,
            hint="give a model for semantic segmentation, saved with its image processor",
        )
        hint = "give a model that was trained for semantic segmentation"
        check_weights(report, self.model, where=_WHERE, hint=hint)
        outputs = int(module.config.num_labels)
        if outputs != len(names):
            raise UserError(
                f"the model has {outputs} classes, and {len(names)} are named",
                where=CLASSES,
                hint="name every class, in the order of the outputs",
            )

        def transform(image: Image) -> Tensor:
            pixels: Tensor = processor(images=image, return_tensors="pt")["pixel_values"][0]
            return pixels.float()

        return module, lambda images: module(pixel_values=images).logits, transform
