"""How an image-to-text model is addressed: its first and last tokens, and its prompt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

_VISION = {
    "blip": "vision_model",
    "git": "git.image_encoder",
    "vision-encoder-decoder": "encoder",
}
"""Where a kind of model has the part that sees: what that gives is worked out once an image."""


@dataclass(frozen=True)
class Dialect:
    """What a model wants to be told.

    Attributes:
        argument: Name of the argument that takes the tokens.
        prefix: Tokens that every sentence begins with: the first one and the prompt.
        opening: What `generate` is given for that.
        end: The token that ends a sentence.
        pad: What fills a batch up; never looked at.
        vision: Path of the module that sees; empty where it is not known.
    """

    argument: str
    prefix: tuple[int, ...]
    opening: tuple[int, ...]
    end: int
    pad: int
    vision: str


def dialect_of(model: Any, tokenizer: Any, prompt: str) -> Dialect:
    """Find out how a model is addressed.

    Args:
        model: An image-to-text model of transformers.
        tokenizer: Its tokenizer.
        prompt: Text that every sentence begins with.

    Raises:
        ValueError: The model says nowhere with which token a sentence begins or ends.
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
        raise ValueError("it does not say with which token a sentence begins and ends")
    prefix = (int(start), *words)
    pad = _first(generation.pad_token_id, tokenizer.pad_token_id, end)
    return Dialect(
        argument="decoder_input_ids" if config.is_encoder_decoder else "input_ids",
        prefix=prefix,
        # BLIP's own generate takes the last token for the end of the prompt, and drops it.
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
    """The first value that is given; of several tokens that serve, the first."""
    for value in values:
        if isinstance(value, list | tuple):
            if value:
                return value[0]
        elif value is not None:
            return value
    return None
