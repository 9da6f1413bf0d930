"""Content keys: equal keys, equal labels; and `skey` for the scores of one truth and scorer."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from metrics.truth import TrueName

KEY_LENGTH = 16

_LATER = frozenset({"references", "lookalikes"})
"""Fields of a true name that older keys do not have."""


def canonical_json(value: Any) -> str:
    """Serialise with sorted keys and no spaces, so that equal values are equal texts.

    Raises:
        TypeError: The value holds something that JSON cannot say; a key must not guess.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def short_hash(value: Any) -> str:
    """First 16 hex digits of the sha256 of the canonical JSON of `value`."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()[:KEY_LENGTH]


def words_hash(words: tuple[str, ...]) -> str:
    """sha256 of a list of words in order."""
    return hashlib.sha256(canonical_json(list(words)).encode()).hexdigest()


def label_key(
    method: Mapping[str, Any],
    target: Mapping[str, Any],
    probe: Mapping[str, Any],
    concepts: str,
    encoder: Mapping[str, Any] | None,
    seed: int,
    masks: Mapping[str, Any] | None = None,
    captioner: Mapping[str, Any] | None = None,
    *,
    tf32: bool = False,
) -> str:
    """Key of everything that decides the labels of one layer.

    Args:
        method: {name, params with defaults filled in, version}.
        target: {fingerprint, layer, pooling, precision}; and `reading` where a layer is
            not read as older versions did.
        probe: Fingerprint of the probe set.
        concepts: `words_hash` of the concept set; empty where the method is given none.
        encoder: Fingerprint of the labelling encoder; None where the method needs none.
        seed: The method's seed.
        masks: Fingerprint of the masks, or of the segmenter that makes them; None where the method
            needs none.
        captioner: Fingerprint of the captioner; None where the method needs none.
        tf32: Whether networks may use TF32 on a GPU.
    """
    parts = {
        "method": method,
        "target": target,
        "probe": probe,
        "concepts": concepts,
        "encoder": encoder,
        "seed": seed,
    }
    # What a method does without is left out: older keys stay as they are.
    optional = {"masks": masks, "captioner": captioner, "tf32": tf32 or None}
    return short_hash(parts | {name: part for name, part in optional.items() if part is not None})


def describe_truth(name: str, truth: Mapping[int, TrueName]) -> dict[str, Any]:
    """A layer's true names as scores files tell them: {name, units, hash}."""
    told = {str(unit): _told(true) for unit, true in truth.items()}
    return {"name": name, "units": len(told), "hash": short_hash(told)}


def _told(name: TrueName) -> dict[str, Any]:
    """A true name as JSON, without the fields that came later where they are empty."""
    told = dataclasses.asdict(name)
    return {key: told[key] for key in told if told[key] or key not in _LATER}
