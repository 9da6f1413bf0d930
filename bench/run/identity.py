"""Parameters, fingerprints and words of parts, read once per process; parts are hashable."""

from __future__ import annotations

import dataclasses
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.parts.protocols import (
        CaptionerPart,
        ConceptSet,
        Encoder,
        Fingerprint,
        Probe,
        SegmentedProbe,
        Segmenter,
        SentenceEncoder,
        Target,
    )


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
    part: Target | Probe | Encoder | Segmenter | CaptionerPart | SentenceEncoder,
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
