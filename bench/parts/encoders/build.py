"""An open_clip model as the benchmark uses it: float32 in and out, texts in batches."""

from __future__ import annotations

import logging
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Literal, get_args

from bench.errors import UserError
from bench.offline import offline as no_connections
from bench.parts.encoders.tokens import find_cut
from bench.parts.protocols import LoadedEncoder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from torch import Tensor, nn

Precision = Literal["float32", "float16", "bfloat16"]

TEXT_BATCH = 256

EXTRACTOR_VERSION = 1
"""Raised when embeddings of equal models come out otherwise."""


def check_prompt(templates: Sequence[str], precision: str) -> None:
    """Refuse templates without a place for the label, and unknown precisions.

    Raises:
        UserError: As said.
    """
    for template in templates:
        if not isinstance(template, str) or template.count("{}") != 1:
            raise UserError(
                f"the template {template!r} must hold {{}} once, where the label goes",
                where="encoder.params.templates",
                hint='for instance templates=["a photo of a {}"]',
            )
    if not templates:
        raise UserError("no template is given", where="encoder.params.templates", hint='["{}"]')
    if precision not in get_args(Precision):
        raise UserError(
            f"unknown precision {precision!r}",
            where="encoder.params.precision",
            valid=get_args(Precision),
        )


def wrap_model(
    model: nn.Module,
    tokenize: Callable[[list[str]], Tensor],
    transform: Callable[[Any], Tensor],
    *,
    device: str,
    templates: Sequence[str],
    precision: str,
) -> LoadedEncoder:
    """Put an open_clip model, its tokenizer and its transform together.

    Args:
        model: CLIP or CustomTextCLIP.
        tokenize: Texts to token numbers, int64 [n, L], padded.
        transform: RGB image to the image tower's input.
        device: Where the model runs.
        templates: Prompts. One: the embedding as it is. Several: the mean of the unit-length ones.
        precision: Of the arithmetic (autocast); weights and results are float32.
    """
    import torch

    model = model.float().eval().requires_grad_(False).to(device)
    # Convolutions run up to twice as fast in this layout; other layers do not mind.
    model.to(memory_format=torch.channels_last)
    pad = _trimmable_pad(model)

    def arithmetic() -> AbstractContextManager[Any]:
        if precision == "float32":
            return nullcontext()
        return torch.autocast(torch.device(device).type, getattr(torch, precision))

    def encode_images(images: Tensor) -> Tensor:
        with torch.inference_mode(), arithmetic():
            batch = images.to(device, memory_format=torch.channels_last)
            features: Tensor = model.encode_image(batch)  # type: ignore[operator]
        return features.float()

    def encode_prompts(prompts: list[str]) -> Tensor:
        tokens = tokenize(prompts)
        lengths = _lengths(tokens, pad)
        # Sorted by length and cut to it: short words then cost what they should, and the
        # attention mask makes the padding that is left out irrelevant.
        order = torch.argsort(lengths, stable=True)
        rows: Tensor | None = None
        for part in torch.split(order, TEXT_BATCH):
            batch = tokens[part, : int(lengths[part].max())].to(device)
            with torch.inference_mode(), arithmetic():
                found = model.encode_text(batch)  # type: ignore[operator]
            if rows is None:
                rows = found.new_empty((len(prompts), found.shape[1]), dtype=torch.float32)
            rows[part.to(found.device)] = found.float()
        assert rows is not None
        return rows

    def encode_texts(texts: Sequence[str]) -> Tensor:
        if not texts:
            raise ValueError("no text to encode")
        parts = [
            encode_prompts([template.replace("{}", text) for text in texts])
            for template in templates
        ]
        if len(parts) == 1:
            return parts[0]
        unit = [torch.nn.functional.normalize(part, dim=1) for part in parts]
        return torch.stack(unit).mean(dim=0)

    def cut_texts(texts: Sequence[str]) -> tuple[int, list[int]] | None:
        longest = max(templates, key=len)
        return find_cut(tokenize, [longest.replace("{}", text) for text in texts])

    return LoadedEncoder(transform, encode_images, encode_texts, cut_texts)


def _trimmable_pad(model: nn.Module) -> int | None:
    """Padding token of a text tower that masks it; None for towers of a fixed length."""
    config = getattr(getattr(model, "text", None), "config", None)
    pad = getattr(config, "pad_token_id", None)
    return int(pad) if pad is not None else None


def _lengths(tokens: Tensor, pad: int | None) -> Tensor:
    """Tokens up to the last one that is no padding, int64 [n]; the full width where none is."""
    import torch

    width = tokens.shape[1]
    if pad is None:
        return torch.full((len(tokens),), width)
    trailing = (tokens.flip(1) != pad).int().argmax(dim=1)
    return width - trailing


@contextmanager
def quiet_loading(*, offline: bool) -> Iterator[None]:
    """Silence progress bars and load reports of the model libraries.

    Args:
        offline: All files are here: no connection is opened.
    """
    import transformers

    verbosity = transformers.logging.get_verbosity()
    bars = transformers.logging.is_progress_bar_enabled()
    root_level = logging.getLogger().level
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    # open_clip reports through the root logger what is no news to a user of this program.
    logging.getLogger().setLevel(max(root_level, logging.WARNING))
    try:
        with no_connections(offline):
            yield
    finally:
        transformers.logging.set_verbosity(verbosity)
        if bars:
            transformers.logging.enable_progress_bar()
        logging.getLogger().setLevel(root_level)
