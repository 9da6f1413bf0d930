"""Describe what decides the labels of a cell, for its key and its record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.errors import LayerError
from bench.run.identity import (
    fingerprint,
    fingerprint_of_masks,
    hash_of_words,
    label_key,
    params_of,
    words_of,
)
from bench.run.selection import ENCODER_NEEDS
from metrics.labels import normalise

if TYPE_CHECKING:
    from bench.parts.protocols import Fingerprint
    from bench.run.selection import Selection


def cell_key(selection: Selection, layer: str) -> str:
    """Return the key of a layer's labels.

    Raises:
        UserError: The network cannot be built.
    """
    return label_key(
        describe_method(selection),
        {
            "fingerprint": selection.target_fingerprint,
            "layer": layer,
            "precision": selection.config.target.precision,
            **_describe_layout(selection, layer),
        },
        fingerprint(selection.probe),
        hash_of_words(selection.words) if selection.uses_concepts else "",
        fingerprint(selection.encoder) if selection.encoder else None,
        selection.config.seed,
        masks_fingerprint(selection),
        fingerprint(selection.captioner) if selection.captioner else None,
        tf32=selection.config.runtime.tf32,
    )


def describe_method(selection: Selection) -> dict[str, Any]:
    """Return the method's name, version and all parameters with their defaults."""
    return {
        "name": selection.names["method"],
        "params": params_of(selection.method),
        "version": selection.method.version,
    }


def describe_concepts(selection: Selection) -> dict[str, Any]:
    """Return {name, params, sha256, n} of the candidate labels.

    Mask labels with the same words as the configured concept set, in any order, have its name,
    since two such methods chose from the same words.
    """
    words = selection.words
    if selection.free_text:
        return {"name": "free text", "params": {}, "sha256": hash_of_words(words), "n": 0}
    name, params = selection.names["concepts"], params_of(selection.concepts)
    if selection.uses_masks:
        configured = words_of(selection.concepts)
        if set(map(normalise, configured)) == set(map(normalise, words)):
            words = configured
        else:
            name, params = "mask_labels", {}
    return {"name": name, "params": params, "sha256": hash_of_words(words), "n": len(words)}


def describe_given(selection: Selection) -> str:
    """Return what the method is given beyond images, such as "masks".

    A probe set may give its masks another name (`masks_given`).
    """
    method, captioner = selection.method, selection.captioner
    masks = str(getattr(selection.segmented_probe, "masks_given", "masks"))
    if captioner is not None:
        also = ENCODER_NEEDS & method.needs and "captions" not in captioner.given
        return f"{captioner.given}, captions" if also else captioner.given
    if not selection.segmented_probe:
        return method.given
    return masks if "pseudo_masks" in method.needs else method.given.replace("masks", masks)


def _describe_layout(selection: Selection, layer: str) -> dict[str, Any]:
    layout = selection.layouts[layer]
    if isinstance(layout, LayerError):
        # A different key: older releases did read such layers, and their labels must not count.
        return {"pooling": selection.config.target.pooling, "reading": "unknown"}
    return {"pooling": layout.key_pooling, **layout.key_part()}


def masks_fingerprint(selection: Selection) -> Fingerprint | None:
    """Return the fingerprint of the masks that the method reads; None where it reads none.

    Raises:
        UserError: The masks are not on this machine.
    """
    if selection.segmented_probe:
        own = fingerprint_of_masks(selection.segmented_probe)
        if selection.superclasses is None:
            return own
        return {**own, "superclasses": dict(selection.superclasses.fingerprint())}
    return fingerprint(selection.segmenter) if selection.segmenter else None
