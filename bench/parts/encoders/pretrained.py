"""open_clip's own architectures and pretrained tags."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from baselines.calibration import PUBLISHED
from bench.downloads.catalog import BY_NAME
from bench.downloads.paths import require_file, user_path
from bench.downloads.requirements import Requirement, unmet_download, unmet_path
from bench.errors import UserError, nearest
from bench.files import sha256_file
from bench.parts.encoders.open_clip import OpenClip
from bench.parts.hugging_face import quiet_loading

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from baselines.calibration import Calibration
    from bench.downloads.entry import Download
    from bench.parts.encoders.open_clip import ModelParts

_WHERE = "encoder.params.pretrained"

_CATALOG = {
    ("ViT-B-16", "openai"): "clip_vit_b16_openai",
    ("ViT-B-16-quickgelu", "openai"): "clip_vit_b16_openai",
}
"""Entries of the download catalog by model and tag; open_clip's own list needs torch."""


@dataclass(frozen=True)
class OpenClipPretrained(OpenClip):
    """One of open_clip's architectures, with one of its pretrained tags or a checkpoint file.

    Attributes:
        model: Name in open_clip: "ViT-B-16-quickgelu". OpenAI's weights belong to the networks
            whose names end in -quickgelu.
        pretrained: A tag ("openai", "laion2b_s34b_b88k"; downloaded once), or a checkpoint file.
    """

    summary: ClassVar[str] = "an open_clip architecture with a pretrained tag or a checkpoint"

    model: str
    pretrained: str

    @property
    def calibration(self) -> Calibration | None:
        """The published calibration of a pretrained tag; None for other weights."""
        return PUBLISHED.get((self.model, self.pretrained))

    def unmet_requirements(self) -> tuple[Requirement, ...]:
        """Return the checkpoint file, or the weights of a tag in the download catalog."""
        if self._is_file:
            return unmet_path(self.pretrained, "checkpoint file", _WHERE)
        return unmet_download(self._entry) if self._entry else ()

    def _identity(self) -> Mapping[str, Any]:
        file = self._file()
        # open_clip publishes each tag under a fixed hash or revision, so the tag pins the bytes.
        weights = sha256_file(file) if file else f"open_clip:{self.model}/{self.pretrained}"
        return {"model": self.model, "weights": weights, "text_tower": weights}

    def _load(self) -> ModelParts:
        import open_clip

        self._check_names(open_clip.list_models(), open_clip.list_pretrained_tags_by_model)
        file = self._file()
        tag = {} if file else open_clip.get_pretrained_cfg(self.model, self.pretrained)
        self._check_activation(tag, open_clip.get_model_config(self.model) or {})
        cached = self._entry is not None and not self.unmet_requirements()
        try:
            # Without `offline`, the library asks the hub for each file even if all are cached.
            with quiet_loading(offline=cached):
                # An absolute path, so that a file named like a tag is not taken for the tag.
                model, _, transform = open_clip.create_model_and_transforms(
                    self.model, pretrained=str(file.resolve()) if file else self.pretrained
                )
                tokenize = open_clip.get_tokenizer(self.model)
        except Exception as error:  # each cause has a class of its own
            raise UserError(
                f"cannot load {self.model} with {self.pretrained}: {error}",
                where=_WHERE,
                hint="check the connection, or give a checkpoint file of this architecture",
            ) from error
        return model, tokenize, transform

    @property
    def _entry(self) -> Download | None:
        """The tag's weights in the download catalog; None for files and other tags."""
        tag = self.pretrained.lower().replace("-", "_")
        name = None if self._is_file else _CATALOG.get((self.model, tag))
        return BY_NAME[name] if name else None

    @property
    def _is_file(self) -> bool:
        """Whether it is a file: a tag of open_clip contains no slash and no dot."""
        value = self.pretrained
        return "/" in value or "." in value or user_path(value).is_file()

    def _file(self) -> Path | None:
        return require_file(self.pretrained, _WHERE) if self._is_file else None

    def _check_names(self, models: list[str], tags_of: Callable[[str], list[str]]) -> None:
        if self.model not in models:
            raise UserError(
                f"open_clip has no architecture {self.model!r}",
                where="encoder.params.model",
                valid=nearest(self.model, models),
                hint="`python -c 'import open_clip; print(open_clip.list_models())'` lists all",
            )
        tags = tags_of(self.model)
        if not self._is_file and self.pretrained not in tags:
            raise UserError(
                f"{self.pretrained!r} is neither a file nor a pretrained tag of {self.model}",
                where=_WHERE,
                valid=nearest(self.pretrained, tags),
                hint=f"its tags: {', '.join(tags) or 'none; give a checkpoint file'}",
            )

    def _check_activation(self, tag: Mapping[str, Any], model: Mapping[str, Any]) -> None:
        """Refuse weights that were trained with QuickGELU in a network without it.

        open_clip only warns, and gives other embeddings than the published model.
        """
        if tag.get("quick_gelu", False) and not model.get("quick_gelu", False):
            raise UserError(
                f"the weights {self.pretrained} were trained with QuickGELU, which {self.model} "
                "does not have: the embeddings would be those of another network",
                where="encoder.params.model",
                hint=f"encoder.params.model={self.model}-quickgelu",
            )
