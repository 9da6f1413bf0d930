"""Encoders stay loaded from one job to the next: a sweep asks for the same one many times."""

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

_KEPT = 2
"""Models that stay in memory: an image-text encoder and a sentence encoder."""

_loaded: OrderedDict[tuple[str, str], Any] = OrderedDict()


def loaded_encoder(encoder: Encoder, device: str) -> LoadedEncoder:
    """Load an image-text encoder, or hand out the loaded one of equal fingerprint."""
    found: LoadedEncoder = _load(encoder, device)
    return found


def loaded_embedder(encoder: SentenceEncoder, device: str) -> TextFunction:
    """As `loaded_encoder`, for a sentence encoder."""
    found: TextFunction = _load(encoder, device)
    return found


def _load(part: Encoder | SentenceEncoder, device: str) -> Any:
    kind = f"{type(part).__module__}.{type(part).__qualname__}"
    key = (kind, canonical_json({"fingerprint": part.fingerprint(), "device": device}))
    if key not in _loaded:
        while len(_loaded) >= _KEPT:
            _loaded.popitem(last=False)
        _loaded[key] = part.load(device)
    _loaded.move_to_end(key)
    return _loaded[key]
