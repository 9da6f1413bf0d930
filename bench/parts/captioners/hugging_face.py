"""Image-captioning models of Hugging Face, by name or from a folder."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args

from baselines.exemplar_images import GREY, MARGIN, Background, check_background
from bench.downloads.hub.models import TEXT_MODEL_FILES, ModelFiles, find_model
from bench.errors import UserError
from bench.parts.checks import check_positive
from bench.parts.hugging_face import check_weights, load_parts, quiet_loading
from bench.parts.precision import Precision, check_precision

if TYPE_CHECKING:
    from baselines.captions import Captioner
    from bench.parts.captioners.dialect import Dialect
    from bench.parts.captioners.image_to_text import ImageToText
    from bench.parts.protocols import Fingerprint

CAPTIONER_VERSION = 1
"""Incremented when equal models give other sentences; part of the fingerprint."""

Prior = Literal["blank", "none"]

_WHERE = "captioner.params.model"


@dataclass(frozen=True)
class HuggingFaceCaptioner:
    """A model that transformers loads as AutoModelForImageTextToText: BLIP, GIT, encoder-decoders.

    The model was trained on captions of whole images. It sees a crop of each exemplar: the square
    around the mask, with the pixels outside the mask painted over. `CropCaptioner` describes how
    sentences are found and scored. Models that need image tokens in the text (chat models) are
    refused.

    Attributes:
        model: A folder that it was saved to with tokenizer and image processor, or a name on the
            hub ("Salesforce/blip-image-captioning-base"; downloaded once).
        revision: Branch, tag or commit on the hub.
        prompt: Beginning of every sentence; not part of the description.
        image_size: S, side of the exemplars in pixels, before the model's own processor.
        precision: Of the arithmetic: "float32", "float16" or "bfloat16".
        max_length: Maximum tokens of a sentence.
        background: Outside the mask: "mean", the image's mean colour, or "grey".
        prior: log p(s) from a grey image ("blank"), or none ("none").
        sources: Number of best exemplars that sentences are taken from.
    """

    summary: ClassVar[str] = "an image-captioning model of Hugging Face, by name or folder"
    packages: ClassVar[tuple[str, ...]] = ("transformers",)
    given: ClassVar[str] = "captions"

    model: str
    revision: str = "main"
    prompt: str = ""
    image_size: int = 224
    precision: Precision = "float32"
    max_length: int = 15
    background: Background = "mean"
    prior: Prior = "blank"
    sources: int = 5

    def __post_init__(self) -> None:
        """Check the parameters."""
        for name in ("image_size", "max_length", "sources"):
            check_positive(getattr(self, name), f"captioner.params.{name}")
        check_precision(self.precision, "captioner.params.precision")
        if self.prior not in get_args(Prior):
            raise UserError(
                f"unknown prior {self.prior!r}",
                where="captioner.params.prior",
                hint=f"choose one of: {', '.join(get_args(Prior))}",
            )
        check_background(self.background)

    def fingerprint(self) -> Fingerprint:
        """Return files or commit, and all parameters."""
        return {
            "kind": "hugging_face",
            "model": find_model(self.model, self.revision, where=_WHERE).identity(TEXT_MODEL_FILES),
            "prompt": self.prompt,
            # The library's version decides how a processor resizes and how beams are pruned.
            "transformers": version("transformers"),
            "crops": {
                "size": self.image_size,
                "background": GREY if self.background == "grey" else self.background,
                "margin": MARGIN,
                "sources": self.sources,
            },
            "max_length": self.max_length,
            "prior": self.prior,
            "precision": self.precision,
            "version": CAPTIONER_VERSION,
        }

    def load(self, device: str) -> Captioner:
        """Build the model and read its weights, without a connection for a folder."""
        from bench.parts.captioners.dialect import dialect_of
        from bench.parts.captioners.from_crops import CropCaptioner
        from bench.parts.captioners.image_to_text import ImageToText

        files = find_model(self.model, self.revision, where=_WHERE)
        module, tokenizer, processor = self._read(files)
        try:
            dialect = dialect_of(module, tokenizer, self.prompt)
            with quiet_loading(offline=not files.revision):
                captioner = ImageToText(
                    module, tokenizer, processor, dialect,
                    device=device, precision=self.precision, max_length=self.max_length,
                )  # fmt: skip
                _try(captioner, dialect, self.image_size)
        except UserError:
            raise
        except Exception as error:  # each cause has a class of its own
            raise UserError(
                f"{self.model} cannot caption an image without further input: {error}",
                where=_WHERE,
                hint="give a captioning model such as BLIP, GIT or a vision encoder-decoder",
            ) from error
        return CropCaptioner(
            captioner,
            image_size=self.image_size,
            background=self.background,
            has_prior=self.prior == "blank",
            sources=self.sources,
        )

    def _read(self, files: ModelFiles) -> tuple[Any, Any, Any]:
        import transformers

        # Before release 4.45 the class had another name.
        names = ("AutoModelForImageTextToText", "AutoModelForVision2Seq")
        loader = next(getattr(transformers, name) for name in names if hasattr(transformers, name))
        (processor, tokenizer, module), report = load_parts(
            files,
            self.model,
            (transformers.AutoImageProcessor, transformers.AutoTokenizer, loader),
            where=_WHERE,
            hint="give an image-captioning model, saved with tokenizer and image processor",
        )
        check_weights(
            report,
            self.model,
            where=_WHERE,
            hint="give a model that was trained for image captioning",
            # Captioners do not use the pooled output; published ones lack its weights.
            counts=lambda key: ".pooler." not in key,
        )
        return module, tokenizer, processor


def _try(model: ImageToText, dialect: Dialect, size: int) -> None:
    """Generate a sentence and its probability, to detect models of another kind."""
    import numpy as np

    seen = model.see(np.full((1, size, size, 3), GREY, dtype=np.uint8))
    if not np.isfinite(model.log_p(seen, [(dialect.end,)])).all():
        raise ValueError("it gives no probabilities")
    model.search(seen[0], 1)
