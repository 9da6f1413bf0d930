"""Parameters, fingerprints and words of parts, read once per process; parts are hashable."""

from __future__ import annotations

import dataclasses
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leaderboards.hashing import short_hash, words_sha256

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from bench.parts.protocols import (
        CaptionerPart,
        ConceptSet,
        Encoder,
        Fingerprint,
        GeneratorPart,
        LanguageModelPart,
        Probe,
        SegmentedProbe,
        Segmenter,
        SentenceEncoder,
        Target,
    )
    from metrics.truth import TrueName

_LATER = frozenset({"references", "lookalikes", "concepts"})
"""Fields of a true name that older keys do not have."""


def params_of(part: object) -> dict[str, Any]:
    """Return a part's parameters with their defaults, for JSON: its `parameters` or its fields."""
    own = getattr(part, "parameters", None)
    if own is not None:
        return dict(own)
    return {
        field.name: getattr(part, field.name)
        for field in dataclasses.fields(part)  # type: ignore[arg-type]
        if field.init
    }


def fingerprint(
    part: Target
    | Probe
    | Encoder
    | Segmenter
    | CaptionerPart
    | LanguageModelPart
    | GeneratorPart
    | SentenceEncoder,
) -> Fingerprint:
    """Return a part's fingerprint."""
    return _fingerprint(part, Path.cwd())


def target_notes(target: Target) -> tuple[str, ...]:
    """Return notes on how a target was loaded, for targets with weights from a file."""
    return _target_notes(target, Path.cwd())


def fingerprint_of_masks(probe: SegmentedProbe) -> Fingerprint:
    """Return the fingerprint of a probe set's masks."""
    return _fingerprint_of_masks(probe, Path.cwd())


def words_of(concepts: ConceptSet) -> tuple[str, ...]:
    """Return a concept set's words, which the jobs of a sweep share."""
    return _words(concepts, Path.cwd())


@lru_cache(maxsize=32)
def hash_of_words(words: tuple[str, ...]) -> str:
    """Return the sha256 of candidate labels (`words_sha256`)."""
    return words_sha256(words)


# Parts may hold relative paths, so the working folder is part of the cache key.


@cache
def _fingerprint(part: Any, _folder: Path) -> Fingerprint:
    found: Fingerprint = part.fingerprint()
    return found


@cache
def _target_notes(target: Target, _folder: Path) -> tuple[str, ...]:
    return target.load("cpu").notes if getattr(target, "file", "") else ()


@cache
def _fingerprint_of_masks(probe: SegmentedProbe, _folder: Path) -> Fingerprint:
    return probe.masks_fingerprint()


@lru_cache(maxsize=8)
def _words(concepts: ConceptSet, _folder: Path) -> tuple[str, ...]:
    return concepts.words()


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
    language_model: Mapping[str, Any] | None = None,
    generator: Mapping[str, Any] | None = None,
    tf32: bool = False,
) -> str:
    """Return the key of everything that decides the labels of one layer.

    Args:
        method: {name, params with defaults filled in, version}.
        target: {fingerprint, layer, pooling, precision}; and `reading` where a layer is
            not read as older versions did.
        probe: Fingerprint of the probe set.
        concepts: `words_sha256` of the concept set; empty where the method is given none.
        encoder: Fingerprint of the labelling encoder; None where the method needs none.
        seed: The method's seed.
        masks: Fingerprint of the masks, or of the segmenter that makes them; None where the method
            needs none.
        captioner: Fingerprint of the captioner; None where the method needs none.
        language_model: Fingerprint of the language model; None where there is none.
        generator: Fingerprint of the generator; None where there is none.
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
    # Leave out what a method does not need, so that older keys stay as they are.
    optional = {
        "masks": masks,
        "captioner": captioner,
        "language_model": language_model,
        "generator": generator,
        "tf32": tf32 or None,
    }
    return short_hash(parts | {name: part for name, part in optional.items() if part is not None})


def describe_truth(
    name: str, truth: Mapping[int, TrueName], without_concept: Collection[int] = ()
) -> dict[str, Any]:
    """Return a layer's true names as in scores files: {name, units, hash}.

    And `without_concept`, the units that respond to no concept, where there are any.
    """
    found = {"name": name, "units": len(truth), "hash": _hash_names(_Identity(truth))}
    return found | ({"without_concept": sorted(without_concept)} if without_concept else {})


@dataclasses.dataclass(frozen=True, eq=False)
class _Identity:
    """A mapping as a key of a cache: equal to itself only."""

    of: Mapping[int, TrueName]

    def __hash__(self) -> int:
        return id(self.of)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Identity) and other.of is self.of


@lru_cache(maxsize=64)
def _hash_names(truth: _Identity) -> str:
    return short_hash({str(unit): _describe_name(true) for unit, true in truth.of.items()})


def _describe_name(name: TrueName) -> dict[str, Any]:
    """Return a true name as JSON, without empty fields that older keys do not have."""
    fields = dataclasses.asdict(name)
    return {key: fields[key] for key in fields if fields[key] or key not in _LATER}
