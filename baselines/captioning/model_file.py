"""Save and load a trained captioner as one safetensors file.

Tensors are named "decoder.*" and "language_model.*". The header's metadata contains everything else
as one JSON string (a single one, so that equal captioners make equal files): the configurations,
the vocabulary, and information on the training.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from baselines.captioning.decoder import Decoder, DecoderConfig
from baselines.captioning.language_model import LanguageModel, LanguageModelConfig
from baselines.captioning.vocabulary import Vocabulary

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from torch import Tensor

_Part = TypeVar("_Part", Decoder, LanguageModel)

_KEY = "captioner"
_SCHEMA = 1


@dataclass(frozen=True)
class StoredCaptioner:
    """Content of a file.

    Attributes:
        decoder: Decoder in eval mode, float32, on the CPU.
        language_model: Language model in eval mode, float32, on the CPU; or None.
        vocabulary: Vocabulary of both.
        info: Information saved with it.
    """

    decoder: Decoder
    language_model: LanguageModel | None
    vocabulary: Vocabulary
    info: dict[str, Any]


def save_captioner(
    path: Path,
    decoder: Decoder,
    language_model: LanguageModel | None,
    vocabulary: Vocabulary,
    info: Mapping[str, Any],
    dtype: torch.dtype = torch.float16,
) -> None:
    """Write a captioner, completely or not at all.

    Args:
        path: The file; its folder must exist.
        decoder: The decoder.
        language_model: The language model, or None.
        vocabulary: Vocabulary of both.
        info: Information, ready for JSON.
        dtype: Type of the stored numbers.

    Raises:
        ValueError: The parts do not match, or a number exceeds `dtype`.
    """
    parts: dict[str, Decoder | LanguageModel] = {"decoder": decoder}
    if language_model is not None:
        parts["language_model"] = language_model
    tensors = {}
    for part, module in parts.items():
        if module.config.vocabulary_size != len(vocabulary):
            size = module.config.vocabulary_size
            raise ValueError(f"the {part} has {size} words, the vocabulary {len(vocabulary)}")
        for name, tensor in module.state_dict().items():
            tensors[f"{part}.{name}"] = stored = tensor.detach().cpu().to(dtype).contiguous()
            if not stored.isfinite().all():
                raise ValueError(f"{part}.{name} has numbers that are not finite as {dtype}")
    content = {
        "schema": _SCHEMA,
        "decoder": asdict(decoder.config),
        "language_model": None if language_model is None else asdict(language_model.config),
        "vocabulary": list(vocabulary.words),
        "info": dict(info),
    }
    packed = save(tensors, {_KEY: json.dumps(content, sort_keys=True, allow_nan=False)})
    half = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        half.write_bytes(packed)
        half.replace(path)
    finally:
        half.unlink(missing_ok=True)


def read_captioner(path: Path) -> StoredCaptioner:
    """Read a captioner.

    Args:
        path: A file that `save_captioner` wrote.

    Raises:
        OSError: It cannot be read.
        ValueError: It is not a captioner, or its parts do not match.
    """
    return parse_captioner(path.read_bytes(), str(path))


def parse_captioner(content: bytes, name: str) -> StoredCaptioner:
    """Build a captioner from the content of a file.

    Args:
        content: What `save_captioner` wrote.
        name: Name of the file, for messages.

    Raises:
        ValueError: It is not a captioner, or its parts do not match.
    """
    try:
        tensors = load(content)
    except SafetensorError as error:
        raise ValueError(f"{name} is not a safetensors file: {error}") from error
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    try:
        return _build(header.get("__metadata__", {}), tensors)
    except (ValueError, TypeError, KeyError) as error:
        fault = f"{error.args[0]!r} is missing" if isinstance(error, KeyError) else error
        raise ValueError(f"{name}: {fault}") from error


def _build(metadata: Mapping[str, str], tensors: dict[str, Tensor]) -> StoredCaptioner:
    if _KEY not in metadata:
        raise ValueError("no captioner in the metadata")
    content = json.loads(metadata[_KEY])
    if not isinstance(content, dict) or content.get("schema") != _SCHEMA:
        raise ValueError(f"the metadata do not have schema {_SCHEMA}")
    words, info = content["vocabulary"], content["info"]
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise ValueError("the vocabulary is not a list of words")
    if not isinstance(info, dict):
        raise ValueError("info is not a mapping")  # noqa: TRY004  (an error of the file)
    vocabulary = Vocabulary(tuple(words))
    decoder_config = DecoderConfig(**content["decoder"])
    decoder = _fill("decoder", decoder_config, Decoder, tensors, len(vocabulary))
    language_model = None
    if content["language_model"] is not None:
        config = LanguageModelConfig(**content["language_model"])
        language_model = _fill("language_model", config, LanguageModel, tensors, len(vocabulary))
    if tensors:
        raise ValueError(f"unknown tensors: {', '.join(sorted(tensors))}")
    return StoredCaptioner(decoder, language_model, vocabulary, info)


def _fill(
    part: str, config: Any, make: Callable[[Any], _Part], tensors: dict[str, Tensor], words: int
) -> _Part:
    """Build a part from its tensors, and remove these from `tensors`."""
    if config.vocabulary_size != words:
        raise ValueError(
            f"the {part} has {config.vocabulary_size} words, the vocabulary {words} with specials"
        )
    with torch.device("meta"):  # do not allocate memory by sizes from a file
        module = make(config)
    state = {}
    for name, wanted in module.state_dict().items():
        found = tensors.pop(f"{part}.{name}", None)
        if found is None:
            raise ValueError(f"tensor {part}.{name} is missing")
        if found.shape != wanted.shape:
            shapes = f"{list(found.shape)}, not {list(wanted.shape)}"
            raise ValueError(f"tensor {part}.{name} has shape {shapes}")
        if not found.is_floating_point() or not found.isfinite().all():
            raise ValueError(f"tensor {part}.{name} is not finite")
        state[name] = found.float()
    module.load_state_dict(state, assign=True)
    return module.eval()
