"""Any semantic-segmentation model of Hugging Face, by name or from a folder."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, ClassVar

from bench.downloads.hub.models import ModelFiles, find_model
from bench.errors import UserError
from bench.parts.crops import square_view
from bench.parts.encoders.build import quiet_loading
from bench.parts.segmenters.classes import class_labels, class_positions, read_names
from bench.parts.segmenters.network import (
    SEGMENTER_VERSION,
    Precision,
    check_precision,
    wrap_network,
)
from bench.parts.segmenters.view import CROP, check_view
from leaderboards.hashing import sha256_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PIL.Image import Image
    from torch import Tensor

    from baselines.spatial import MaskLabel
    from bench.parts.protocols import Fingerprint, LoadedSegmenter

_WHERE = "segmenter.params.model"


@dataclass(frozen=True)
class HuggingFaceSegmenter:
    """A model that transformers loads as AutoModelForSemanticSegmentation.

    Attributes:
        model: A folder that it was saved to with its image processor, or a name on the hub
            ("nvidia/segformer-b0-finetuned-ade-512-512"; downloaded once).
        revision: Branch, tag or commit on the hub.
        classes: A text file with the name of each class, one a line, in the order of the outputs;
            those of the model's config where empty. "background" marks nothing.
        category: Category of all labels.
        crop: Side of the central square that is looked at, as a share of the shorter side; must be
            what the target looks at (its input_size / resize). 0 squashes the whole image.
        input_size: Side that the square is brought to before the model's own processor; where
            null that of the square itself. Needed where the processor does not resize.
        mask_size: Side of the masks, in pixels.
        precision: Of the arithmetic: "float32", "float16" or "bfloat16".
    """

    summary: ClassVar[str] = "a semantic-segmentation model of Hugging Face, by name or folder"
    packages: ClassVar[tuple[str, ...]] = ("transformers",)
    uses_probe_masks: ClassVar[bool] = False

    model: str
    revision: str = "main"
    classes: str = ""
    category: str = "object"
    crop: float = CROP
    input_size: int | None = None
    mask_size: int = 56
    precision: Precision = "float32"

    def __post_init__(self) -> None:
        check_view(self.crop, self.mask_size, self.input_size)
        check_precision(self.precision)

    def fingerprint(self) -> Fingerprint:
        """Files or commit, transform, names of the classes, size of the masks.

        Raises:
            UserError: The model cannot be found.
        """
        files = find_model(self.model, self.revision, where=_WHERE)
        return {
            "kind": "hugging_face",
            "model": files.identity(),
            # Which resampling a processor's settings mean is up to the library's version.
            "transform": {
                "crop": self.crop,
                "size": self.input_size or "own",
                "transformers": version("transformers"),
            },
            "labels": sha256_json([self.category, *self._names(files)]),
            "mask_size": self.mask_size,
            "precision": self.precision,
            "version": SEGMENTER_VERSION,
        }

    @property
    def visible_share(self) -> float:
        """Share of an image's shorter side that the network sees."""
        return self.crop or 1.0

    @property
    def squashes(self) -> bool:
        """Whether the whole image is brought to a square, whatever its shape."""
        return self.crop == 0

    def labels(self) -> tuple[MaskLabel, ...]:
        """The classes but for the background.

        Raises:
            UserError: The model cannot be found, or does not name its classes.
        """
        names = self._names(find_model(self.model, self.revision, where=_WHERE))
        return class_labels(names, self.category)

    def categories(self) -> tuple[str, ...]:
        """The one category."""
        return (self.category,)

    def load(self, device: str) -> LoadedSegmenter:
        """Build the model and read its weights; opens no connection for a folder.

        Raises:
            UserError: The files are missing, damaged, of another kind of model, or unsafe to load.
        """
        files = find_model(self.model, self.revision, where=_WHERE)
        names = self._names(files)
        module, processor = self._read(files)
        outputs = int(module.config.num_labels)
        if outputs != len(names):
            raise UserError(
                f"the model has {outputs} classes, and {len(names)} are named",
                where="segmenter.params.classes",
                hint="name every class, in the order of the outputs",
            )

        def transform(image: Image) -> Tensor:
            square = square_view(image, self.crop, self.input_size)
            found: Tensor = processor(images=square, return_tensors="pt")["pixel_values"][0]
            return found.float()

        def logits_of(images: Tensor) -> Sequence[Tensor]:
            return [module(pixel_values=images).logits]

        return wrap_network(
            module,
            logits_of,
            transform,
            [class_positions(names)],
            (self.mask_size, self.mask_size),
            device=device,
            precision=self.precision,
        )

    def _read(self, files: ModelFiles) -> tuple[Any, Any]:
        from transformers import AutoImageProcessor, AutoModelForSemanticSegmentation

        options: dict[str, Any] = {"trust_remote_code": False}
        if files.revision:
            options["revision"] = files.revision
        else:
            options["local_files_only"] = True
        try:
            with quiet_loading(offline=not files.revision):
                processor = AutoImageProcessor.from_pretrained(files.source, **options)
                # weights_only: files of PyTorch's own format are read without running their code.
                module, report = AutoModelForSemanticSegmentation.from_pretrained(
                    files.source, weights_only=True, output_loading_info=True, **options
                )
        except Exception as error:  # download, format and kind of model: one class each
            raise UserError(
                f"cannot load {self.model}: {error}",
                where=_WHERE,
                hint="give a model for semantic segmentation, saved with its image processor",
            ) from error
        if report["missing_keys"]:
            raise UserError(
                f"{self.model} lacks {', '.join(sorted(report['missing_keys'])[:4])}: these would "
                "be left at random",
                where=_WHERE,
                hint="give a model that was trained for semantic segmentation",
            )
        return module, processor

    def _names(self, files: ModelFiles) -> tuple[str, ...]:
        if self.classes:
            return read_names(self.classes, "segmenter.params.classes")
        named = files.config.get("id2label")
        try:
            found = {int(number): str(name) for number, name in (named or {}).items()}
        except (AttributeError, ValueError):
            found = {}
        if not found or sorted(found) != list(range(len(found))):
            raise UserError(
                f"{self.model} does not name its classes (id2label in config.json)",
                where="segmenter.params.classes",
                hint="give a text file with their names, one a line",
            )
        return tuple(found[number] for number in range(len(found)))
