"""Keep encoders loaded from one job to the next: a sweep uses the same one many times."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bench.files import canonical_json

if TYPE_CHECKING:
    from bench.parts.protocols import Encoder, LoadedEncoder, SentenceEncoder

TextFunction = Callable[[Sequence[str]], NDArray[np.float32]]

_MAX_MODELS = 2
"""Models in memory: an image-text encoder and a sentence encoder."""

_models: OrderedDict[tuple[str, str], Any] = OrderedDict()


def load_encoder(encoder: Encoder, device: str) -> LoadedEncoder:
    """Load an image-text encoder, or return the loaded one of equal fingerprint."""
    model: LoadedEncoder = _load(encoder, device)
    return model


def load_sentence_encoder(encoder: SentenceEncoder, device: str) -> TextFunction:
    """Load a sentence encoder, or return the loaded one of equal fingerprint."""
    model: TextFunction = _load(encoder, device)
    return model


def _load(part: Encoder | SentenceEncoder, device: str) -> Any:
    kind = f"{type(part).__module__}.{type(part).__qualname__}"
    key = (kind, canonical_json({"fingerprint": part.fingerprint(), "device": device}))
    if key not in _models:
        while len(_models) >= _MAX_MODELS:
            _models.popitem(last=False)
        _models[key] = part.load(device)
    _models.move_to_end(key)
    return _models[key]
