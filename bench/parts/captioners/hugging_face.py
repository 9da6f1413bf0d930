"""Any model of Hugging Face that captions images, by name or from a folder."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args

from baselines.exemplar_images import GREY, MARGIN, Background, check_background
from bench.downloads.hub.models import TEXT_MODEL_FILES, ModelFiles, find_model
from bench.errors import UserError
from bench.parts.encoders.build import Precision, quiet_loading

if TYPE_CHECKING:
    from baselines.captions import Captioner
    from bench.parts.captioners.dialect import Dialect
    from bench.parts.captioners.image_to_text import ImageToText
    from bench.parts.protocols import Fingerprint

CAPTIONER_VERSION = 1
"""Raised when equal models say other sentences; part of the fingerprint."""

Prior = Literal["blank", "none"]

_WHERE = "captioner.params.model"


@dataclass(frozen=True)
class HuggingFaceCaptioner:
    """A model that transformers loads as AutoModelForImageTextToText: BLIP, GIT, encoder-decoders.

    It was trained on captions of whole images, and sees what a unit's masks show: of each exemplar
    the pixels outside the mask are painted over, and the square around the mask is cut out. How
    sentences come about and are scored stands in `bench.parts.captioners.from_crops`. Models that
    want marks for the image within the text (chat models) are refused.

    Attributes:
        model: A folder that it was saved to with tokenizer and image processor, or a name on the
            hub ("Salesforce/blip-image-captioning-base"; downloaded once).
        revision: Branch, tag or commit on the hub.
        prompt: Text that every sentence begins with; it is not part of the description.
        image_size: S, side of the exemplars, in pixels, before the model's own processor.
        precision: Of the arithmetic: "float32", "float16" or "bfloat16".
        max_length: Tokens of a sentence at most.
        background: Outside the mask: "mean", the image's mean colour, or "grey".
        prior: log p(s) from a grey image ("blank"), or not at all ("none").
        sources: Exemplars, from the best, that sentences are taken from.
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
        """Check the parameters before anything is loaded."""
        for name in ("image_size", "max_length", "sources"):
            if getattr(self, name) < 1:
                raise UserError(
                    f"{name} is a number from 1, not {getattr(self, name)}",
                    where=f"captioner.params.{name}",
                )
        for name, known in (("precision", get_args(Precision)), ("prior", get_args(Prior))):
            if getattr(self, name) not in known:
                raise UserError(
                    f"unknown {name} {getattr(self, name)!r}",
                    where=f"captioner.params.{name}",
                    valid=known,
                )
        check_background(self.background)

    def fingerprint(self) -> Fingerprint:
        """Files or commit, and all parameters.

        Raises:
            UserError: The model cannot be found.
        """
        return {
            "kind": "hugging_face",
            "model": find_model(self.model, self.revision, where=_WHERE).identity(TEXT_MODEL_FILES),
            "prompt": self.prompt,
            # What a processor's settings mean, and how beams are kept, is up to the library.
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
        """Build the model and read its weights; opens no connection for a folder.

        Raises:
            UserError: The files are missing, damaged, of another kind of model, or unsafe to load.
        """
        from bench.parts.captioners.dialect import dialect_of
        from bench.parts.captioners.from_crops import CropCaptioner
        from bench.parts.captioners.image_to_text import ImageToText

        files = find_model(self.model, self.revision, where=_WHERE)
        module, tokenizer, processor = self._read(files)
        try:
            dialect = dialect_of(module, tokenizer, self.prompt)
            with quiet_loading(offline=not files.revision):
                ready = ImageToText(
                    module, tokenizer, processor, dialect,
                    device=device, precision=self.precision, max_length=self.max_length,
                )  # fmt: skip
                _try_out(ready, dialect, self.image_size)
        except UserError:
            raise
        except Exception as error:  # each kind of model refuses in its own way
            raise UserError(
                f"{self.model} cannot be asked about an image alone: {error}",
                where=_WHERE,
                hint="give a captioning model such as BLIP, GIT or a vision encoder-decoder",
            ) from error
        return CropCaptioner(
            ready,
            image_size=self.image_size,
            background=self.background,
            has_prior=self.prior == "blank",
            sources=self.sources,
        )

    def _read(self, files: ModelFiles) -> tuple[Any, Any, Any]:
        import transformers

        options: dict[str, Any] = {"trust_remote_code": False}
        if files.revision:
            options["revision"] = files.revision
        else:
            options["local_files_only"] = True
        # Releases before 4.45 know these models by another name.
        loader = getattr(
            transformers,
            "AutoModelForImageTextToText",
            getattr(transformers, "AutoModelForVision2Seq", None),
        )
        assert loader is not None
        try:
            with quiet_loading(offline=not files.revision):
                processor = transformers.AutoImageProcessor.from_pretrained(files.source, **options)
                tokenizer = transformers.AutoTokenizer.from_pretrained(files.source, **options)
                # weights_only: files of PyTorch's own format are read without running their code.
                module, report = loader.from_pretrained(
                    files.source, weights_only=True, output_loading_info=True, **options
                )
        except Exception as error:  # download, format and kind of model: one class each
            raise UserError(
                f"cannot load {self.model}: {error}",
                where=_WHERE,
                hint="give an image-captioning model, saved with tokenizer and image processor",
            ) from error
        # A pooled output is for classifiers; published captioners lack its weights.
        missing = sorted(key for key in report["missing_keys"] if ".pooler." not in key)
        if missing:
            raise UserError(
                f"{self.model} lacks {', '.join(missing[:4])}: these would be left at random",
                where=_WHERE,
                hint="give a model that was trained for image captioning",
            )
        return module, tokenizer, processor


def _try_out(model: ImageToText, dialect: Dialect, size: int) -> None:
    """Ask for one sentence and its probability, so that models of another kind are found out.

    Raises:
        ValueError: The model answers otherwise than asked.
    """
    import numpy as np

    seen = model.see(np.full((1, size, size, 3), GREY, dtype=np.uint8))
    if not np.isfinite(model.log_p(seen, [(dialect.end,)])).all():
        raise ValueError("it gives no probabilities")
    model.search(seen[0], 1)
