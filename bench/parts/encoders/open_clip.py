"""open_clip models as encoders: prompts, batches of texts, and a base of the encoders."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from bench.downloads.packages import OPEN_CLIP
from bench.errors import UserError
from bench.parts.encoders.tokens import find_cut
from bench.parts.precision import Precision, autocast, check_precision
from bench.parts.protocols import LoadedEncoder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from torch import Tensor, nn

    from bench.parts.protocols import Fingerprint

    ModelParts = tuple[nn.Module, Callable[[list[str]], Tensor], Callable[[Any], Tensor]]
    """A model, its tokenizer (texts -> int64 [n, L], padded) and its transform."""

_TEXT_BATCH = 256

_VERSION = 1
"""Incremented when equal models give other embeddings; part of the fingerprint."""


@dataclass(frozen=True, kw_only=True)
class OpenClip(ABC):
    """A model of open_clip.

    Attributes:
        templates: Prompts with {} in place of the label. One: its embedding. Several: the mean of
            their unit-length embeddings.
        precision: Of the arithmetic: "float32", "float16" or "bfloat16".
    """

    packages: ClassVar[tuple[str, ...]] = OPEN_CLIP

    templates: tuple[str, ...] = ("{}",)
    precision: Precision = "float32"

    def __post_init__(self) -> None:
        object.__setattr__(self, "templates", tuple(self.templates))
        where = "encoder.params.templates"
        for template in self.templates:
            if not isinstance(template, str) or template.count("{}") != 1:
                raise UserError(
                    f"the template {template!r} must contain {{}} once, in place of the label",
                    where=where,
                    hint='for instance templates=["a photo of a {}"]',
                )
        if not self.templates:
            raise UserError("no template is given", where=where, hint='["{}"]')
        check_precision(self.precision, "encoder.params.precision")

    @abstractmethod
    def _identity(self) -> Mapping[str, Any]:
        """Return what identifies model and weights, with `text_tower`."""

    @abstractmethod
    def _load(self) -> ModelParts:
        """Build the model and read its weights."""

    def fingerprint(self) -> Fingerprint:
        """Return model, weights, text tower, prompts and precision."""
        return {
            "kind": "open_clip",
            **self._identity(),
            "templates": list(self.templates),
            "precision": self.precision,
            "extractor": _VERSION,
        }

    def load(self, device: str) -> LoadedEncoder:
        """Build the model and read its weights."""
        model, tokenize, transform = self._load()
        runner = _Runner(model, tokenize, self.templates, self.precision, device)
        return LoadedEncoder(transform, runner.encode_images, runner.encode_texts, runner.find_cut)


class _Runner:
    """A model on a device; weights and results are float32."""

    def __init__(
        self,
        model: nn.Module,
        tokenize: Callable[[list[str]], Tensor],
        templates: Sequence[str],
        precision: str,
        device: str,
    ) -> None:
        import torch

        self.model: Any = model.float().eval().requires_grad_(False).to(device)
        # Convolutions are up to twice as fast in this layout.
        self.model.to(memory_format=torch.channels_last)
        self.tokenize, self.templates = tokenize, templates
        self.precision, self.device = precision, device
        text_config = getattr(getattr(model, "text", None), "config", None)
        # The padding token of a text tower that masks it; None for towers of a fixed length.
        self.pad: int | None = getattr(text_config, "pad_token_id", None)

    def encode_images(self, images: Tensor) -> Tensor:
        """Embed [B, 3, H, W] -> float32 [B, D]."""
        import torch

        with torch.inference_mode(), autocast(self.precision, self.device):
            batch = images.to(self.device, memory_format=torch.channels_last)
            features: Tensor = self.model.encode_image(batch)
        return features.float()

    def encode_texts(self, texts: Sequence[str]) -> Tensor:
        """Embed B texts in all prompts -> float32 [B, D]."""
        import torch

        if not texts:
            raise ValueError("no text to encode")
        by_template = [
            self._encode([template.replace("{}", text) for text in texts])
            for template in self.templates
        ]
        if len(by_template) == 1:
            return by_template[0]
        unit = [torch.nn.functional.normalize(rows, dim=1) for rows in by_template]
        return torch.stack(unit).mean(dim=0)

    def find_cut(self, texts: Sequence[str]) -> tuple[int, list[int]] | None:
        """Return the texts that are cut in the longest prompt; as of `LoadedEncoder`."""
        longest = max(self.templates, key=len)
        return find_cut(self.tokenize, [longest.replace("{}", text) for text in texts])

    def _encode(self, prompts: list[str]) -> Tensor:
        import torch

        tokens = self.tokenize(prompts)
        lengths = self._lengths(tokens)
        # Batches of similar length are cut to their longest text. The attention mask makes the
        # missing padding irrelevant.
        order = torch.argsort(lengths, stable=True)
        rows: Tensor | None = None
        for part in torch.split(order, _TEXT_BATCH):
            batch = tokens[part, : int(lengths[part].max())].to(self.device)
            with torch.inference_mode(), autocast(self.precision, self.device):
                encoded = self.model.encode_text(batch)
            if rows is None:
                rows = encoded.new_empty((len(prompts), encoded.shape[1]), dtype=torch.float32)
            rows[part.to(encoded.device)] = encoded.float()
        assert rows is not None
        return rows

    def _lengths(self, tokens: Tensor) -> Tensor:
        """Return the tokens before trailing padding, int64 [n]; the full width without padding."""
        import torch

        width = tokens.shape[1]
        if self.pad is None:
            return torch.full((len(tokens),), width)
        trailing = (tokens.flip(1) != self.pad).int().argmax(dim=1)
        return width - trailing
