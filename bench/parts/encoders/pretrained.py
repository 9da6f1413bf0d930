"""open_clip's own architectures and pretrained tags."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from bench.downloads.packages import OPEN_CLIP
from bench.downloads.paths import require_file, user_path
from bench.errors import UserError, nearest
from bench.files import sha256_file
from bench.parts.encoders.build import (
    EXTRACTOR_VERSION,
    Precision,
    check_prompt,
    quiet_loading,
    wrap_model,
)
from bench.parts.encoders.published import entry_of_tag

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from bench.downloads.requirements import Requirement
    from bench.parts.protocols import Fingerprint, LoadedEncoder

_WHERE = "encoder.params.pretrained"


@dataclass(frozen=True)
class OpenClipPretrained:
    """One of open_clip's architectures, with one of its pretrained tags or a checkpoint file.

    Attributes:
        model: Name in open_clip: "ViT-B-16-quickgelu". OpenAI's weights belong to the networks
            whose names end in -quickgelu.
        pretrained: A tag ("openai", "laion2b_s34b_b88k"; downloaded once), or a checkpoint file.
        templates: Prompts with {} where the label goes; several are averaged.
        precision: Of the arithmetic: "float32", "float16" or "bfloat16".
    """

    summary: ClassVar[str] = "an open_clip architecture with a pretrained tag or a checkpoint"
    packages: ClassVar[tuple[str, ...]] = OPEN_CLIP

    model: str
    pretrained: str
    templates: tuple[str, ...] = ("{}",)
    precision: Precision = "float32"

    def __post_init__(self) -> None:
        object.__setattr__(self, "templates", tuple(self.templates))
        check_prompt(self.templates, self.precision)

    def fingerprint(self) -> Fingerprint:
        """Architecture, tag or bytes of the file, prompts and precision.

        Raises:
            UserError: The checkpoint file is missing.
        """
        file = self._file()
        # open_clip publishes each tag under a fixed hash or revision: the tag pins the bytes.
        weights = sha256_file(file) if file else f"open_clip:{self.model}/{self.pretrained}"
        return {
            "kind": "open_clip",
            "model": self.model,
            "weights": weights,
            "text_tower": weights,
            "templates": list(self.templates),
            "precision": self.precision,
            "extractor": EXTRACTOR_VERSION,
        }

    def load(self, device: str) -> LoadedEncoder:
        """Build the model and read its weights; a tag's are downloaded where they are not here.

        Raises:
            UserError: No such architecture or tag, or the weights cannot be had or do not fit.
        """
        import open_clip

        self._check(open_clip.list_models(), open_clip.list_pretrained_tags_by_model)
        file = self._file()
        tag = {} if file else open_clip.get_pretrained_cfg(self.model, self.pretrained)
        self._check_activation(tag, open_clip.get_model_config(self.model) or {})
        try:
            # The library would ask the hub for each file, also where all are here.
            with quiet_loading(offline=self._fetched()):
                # Absolute: a file named as a tag must not be taken for the tag.
                model, _, transform = open_clip.create_model_and_transforms(
                    self.model, pretrained=str(file.resolve()) if file else self.pretrained
                )
                tokenize = open_clip.get_tokenizer(self.model)
        except Exception as error:  # download, format and shapes: one class each
            raise UserError(
                f"cannot load {self.model} with {self.pretrained}: {error}",
                where=_WHERE,
                hint="check the connection, or give a checkpoint file of this architecture",
            ) from error
        return wrap_model(
            model,
            tokenize,
            transform,
            device=device,
            templates=self.templates,
            precision=self.precision,
        )

    def unmet_requirements(self) -> tuple[Requirement, ...]:
        """The checkpoint file, or a tag's weights as far as `dissectbench fetch` knows the tag."""
        from bench.downloads.catalog import BY_NAME
        from bench.downloads.requirements import unmet_download, unmet_path

        if self._means_file():
            return unmet_path(self.pretrained, "checkpoint file", "encoder.params.pretrained")
        entry = entry_of_tag(self.model, self.pretrained)
        return unmet_download(BY_NAME[entry]) if entry else ()

    def _fetched(self) -> bool:
        """Whether the weights are a tag's that `dissectbench fetch` knows, and are here."""
        tag = not self._means_file() and entry_of_tag(self.model, self.pretrained)
        return bool(tag) and not self.unmet_requirements()

    def _means_file(self) -> bool:
        """Whether it is no tag; no tag of open_clip has a slash or a dot."""
        written = self.pretrained
        return "/" in written or "." in written or user_path(written).is_file()

    def _file(self) -> Path | None:
        return require_file(self.pretrained, _WHERE) if self._means_file() else None

    def _check(self, models: list[str], tags_of: object) -> None:
        assert callable(tags_of)
        if self.model not in models:
            raise UserError(
                f"open_clip has no architecture {self.model!r}",
                where="encoder.params.model",
                valid=nearest(self.model, models),
                hint="`python -c 'import open_clip; print(open_clip.list_models())'` lists all",
            )
        tags = tags_of(self.model)
        if self._file() is None and self.pretrained not in tags:
            raise UserError(
                f"{self.pretrained!r} is neither a file nor a pretrained tag of {self.model}",
                where=_WHERE,
                valid=nearest(self.pretrained, tags),
                hint=f"its tags: {', '.join(tags) or 'none; give a checkpoint file'}",
            )

    def _check_activation(self, tag: Mapping[str, Any], model: Mapping[str, Any]) -> None:
        """Refuse weights that were trained with QuickGELU in a network without it.

        open_clip warns and goes on, with embeddings that are not the published model's.

        Args:
            tag: What open_clip knows of the tag; empty for a file.
            model: Its config of the architecture.
        """
        if tag.get("quick_gelu", False) and not model.get("quick_gelu", False):
            raise UserError(
                f"the weights {self.pretrained} were trained with QuickGELU, which {self.model} "
                "does not have: another network would come out",
                where="encoder.params.model",
                valid=[f"{self.model}-quickgelu"],
                hint=f"encoder.params.model={self.model}-quickgelu",
            )
