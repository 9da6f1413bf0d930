"""Interface of an image-to-text model: its first and last tokens, and its prompt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

_VISION = {
    "blip": "vision_model",
    "git": "git.image_encoder",
    "vision-encoder-decoder": "encoder",
}
"""Module path of the image encoder by model type; its output is computed once per image."""


@dataclass(frozen=True)
class Dialect:
    """Tokens and arguments of a model.

    Attributes:
        argument: Name of the argument of tokens.
        prefix: First tokens of every sentence: the start token and the prompt.
        opening: The same for `generate`.
        end: The token that ends a sentence.
        pad: The padding token, which is ignored.
        vision: Module path of the image encoder; empty if unknown.
    """

    argument: str
    prefix: tuple[int, ...]
    opening: tuple[int, ...]
    end: int
    pad: int
    vision: str


def dialect_of(model: Any, tokenizer: Any, prompt: str) -> Dialect:
    """Return the dialect of a model.

    Args:
        model: An image-to-text model of transformers.
        tokenizer: Its tokenizer.
        prompt: Beginning of every sentence.

    Raises:
        ValueError: The first or last token of sentences is unknown.
    """
    config, generation = model.config, model.generation_config
    words = tuple(tokenizer(prompt, add_special_tokens=False)["input_ids"]) if prompt else ()
    kind = str(config.model_type)
    if kind == "blip":
        start, end = config.text_config.bos_token_id, config.text_config.sep_token_id
    elif config.is_encoder_decoder:
        decoder = getattr(config, "decoder", None)
        start = _first(
            getattr(generation, "decoder_start_token_id", None),
            getattr(config, "decoder_start_token_id", None),
            getattr(decoder, "bos_token_id", None),
            tokenizer.bos_token_id,
            tokenizer.cls_token_id,
        )
        end = _end(generation, config, tokenizer)
    else:
        start = _first(
            generation.bos_token_id,
            getattr(config, "bos_token_id", None),
            tokenizer.bos_token_id,
            tokenizer.cls_token_id,
        )
        end = _end(generation, config, tokenizer)
    if start is None or end is None:
        raise ValueError("the first or last token of its sentences is unknown")
    prefix = (int(start), *words)
    pad = _first(generation.pad_token_id, tokenizer.pad_token_id, end)
    return Dialect(
        argument="decoder_input_ids" if config.is_encoder_decoder else "input_ids",
        prefix=prefix,
        # BLIP's own `generate` drops the last token of the prompt.
        opening=(*prefix, int(end)) if kind == "blip" else prefix,
        end=int(end),
        pad=int(pad),
        vision=_VISION.get(kind, ""),
    )


def _end(generation: Any, config: Any, tokenizer: Any) -> Any:
    return _first(
        generation.eos_token_id,
        getattr(config, "eos_token_id", None),
        tokenizer.eos_token_id,
        tokenizer.sep_token_id,
    )


def _first(*values: Any) -> Any:
    """Return the first value that is not None; of a list of tokens, the first."""
    for value in values:
        if isinstance(value, list | tuple):
            if value:
                return value[0]
        elif value is not None:
            return value
    return None
