"""Describe units from arrays at hand: no network, no image, no file."""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Integral
from typing import TYPE_CHECKING, Any

from bench.errors import UserError, explain_refusal
from bench.parts.catalog import METHODS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import pandas as pd
    import torch

    from baselines.base import Method

    Array = np.ndarray[Any, Any] | torch.Tensor

ARRAYS = frozenset(
    {"activations", "image_embeddings", "concept_embeddings", "blank_embedding", "calibration"}
)
OTHER_EVIDENCE = {
    "maps": "activation maps",
    "masks": "concept masks",
    "pseudo_masks": "masks of a segmenter",
    "exemplars": "the units' top images",
    "captioner": "a captioner",
    "image_text": "an image-text encoder",
    "target": "the network itself",
    "language_model": "a language model",
    "generator": "images of concepts",
}
"""Evidence that `describe` does not take, in words."""


def describe(
    method: str = "clip_dissect",
    *,
    activations: Array,
    image_embeddings: Array,
    concept_embeddings: Array,
    concepts: Sequence[str],
    blank_embedding: Array | None = None,
    n_labels: int = 10,
    seed: int = 0,
    **parameters: Any,
) -> pd.DataFrame:
    """Describe the units of a layer from arrays, with the numbers that a run would give.

    Arrays are numpy arrays or torch tensors of any floating-point type; they are read as float32.
    Computation takes place on the device of `activations`. Pass a whole layer: soft_wpmi and wpmi
    compare each unit with all units of the call.

    Args:
        method: Name of a method that reads activations and embeddings alone, such as
            "clip_dissect".
        activations: Pooled activations, [N images, U units], finite.
        image_embeddings: Image embeddings of the same N images, [N, D], finite; normalised or not.
        concept_embeddings: Text embeddings of the concepts by the same encoder, [C, D], finite.
        concepts: The C candidate labels.
        blank_embedding: Text embedding [D] of the template without a label ("a photo of a "), for
            methods that subtract it, such as "semantic_lens".
        n_labels: Labels per unit at most.
        seed: Seed of a method that draws at random.
        **parameters: The method's own parameters, as `method.params.*` on the command line:
            `similarity="wpmi"`, `top_k=50`.

    Returns:
        Columns unit (from 0), rank (1 is best), label and score. A unit without a defined score,
        such as one whose activations are all equal, has no row. `attrs["notes"]` holds the
        method's notes, such as a clamped `top_k`.

    Raises:
        UserError: An unknown method or parameter, a method that needs more than arrays, or arrays
            that do not fit each other or the method.

    Example:
        >>> import numpy as np
        >>> rng = np.random.default_rng(0)
        >>> words = rng.normal(size=(3, 8))
        >>> images = words[rng.integers(3, size=60)] + rng.normal(scale=0.1, size=(60, 8))
        >>> table = describe(
        ...     activations=images @ words.T,
        ...     image_embeddings=images,
        ...     concept_embeddings=words,
        ...     concepts=["dog", "cat", "car"],
        ...     similarity="cos_similarity",
        ... )
        >>> table[table["rank"] == 1].label.tolist()
        ['dog', 'cat', 'car']
    """
    part = _method(method, parameters)
    if not isinstance(n_labels, Integral) or n_labels < 1:
        raise UserError(
            f"invalid number of labels {n_labels!r}",
            where="n_labels",
            hint="give a whole number of at least 1",
        )
    labels = _labels(concepts)

    from baselines.base import Evidence
    from bench.run.labels import describe_table

    given = _table(activations, "activations")
    device = given.device
    images = _table(image_embeddings, "image_embeddings").to(device)
    texts = _table(concept_embeddings, "concept_embeddings").to(device)
    _require_equal(len(images), "image_embeddings", len(given), "activations", "one row per image")
    _require_equal(
        len(texts), "concept_embeddings", len(labels), "concepts", "one row per candidate label"
    )
    if images.shape[1] != texts.shape[1]:
        raise UserError(
            f"image embeddings have {images.shape[1]} columns, concept embeddings {texts.shape[1]}",
            where="concept_embeddings",
            hint="embed images and texts with the same image-text encoder",
        )
    blank = None
    if blank_embedding is not None:
        blank = _table(blank_embedding[None], "blank_embedding").to(device)[0]
        _require_equal(
            len(blank), "blank_embedding", texts.shape[1], "a text embedding", "one embedding"
        )
    evidence = Evidence(
        activations=given,
        concepts=labels,
        image_embeddings=images,
        concept_embeddings=texts,
        blank_embedding=blank,
    )
    try:
        labelling = part.describe(evidence, seed=seed)
    except ValueError as error:  # such as too few images, or a missing calibration
        refusal = explain_refusal(error, method)
        refusal.hint = refusal.hint.replace("method.params.", "")  # here, arguments
        raise refusal from error
    table = describe_table(labelling, int(n_labels))
    table.attrs["notes"] = [*labelling.notes, *labelling.warnings]
    return table


def _method(name: str, parameters: dict[str, Any]) -> Method:
    """Build a method, if activations and embeddings are all that it needs."""
    if not isinstance(name, str):
        raise UserError(
            f"the method is of type {type(name).__name__}, not text",
            where="method",
            hint="give a name, such as clip_dissect",
        )
    others = sorted(METHODS.get(name).needs - ARRAYS)
    if others:
        *first, last = (OTHER_EVIDENCE[need] for need in others)
        needed = f"{', '.join(first)} and {last}" if first else last
        raise UserError(
            f"{name} needs {needed}, which `describe` does not take",
            where="method",
            hint=f'`dissectbench.run("method={name}")` gathers them; from arrays: clip_dissect',
        )
    return METHODS.build(name, parameters, where="method")


def _labels(concepts: Sequence[str]) -> tuple[str, ...]:
    is_list = isinstance(concepts, Iterable) and not isinstance(concepts, str)
    labels = tuple(concepts) if is_list else (None,)
    if not all(isinstance(label, str) for label in labels):
        raise UserError(
            "concepts are not a list of texts", where="concepts", hint='give ["dog", "cat"]'
        )
    return tuple(map(str, labels))


def _table(values: Array, name: str) -> torch.Tensor:
    """Return an array as a float32 tensor on its own device.

    Raises:
        UserError: It is not a finite two-dimensional array of floating-point numbers.
    """
    import numpy as np
    import torch

    hint = "give a numpy array or a torch tensor of floats"
    if isinstance(values, torch.Tensor):
        tensor = values.detach()
        if tensor.layout is not torch.strided or tensor.is_meta:
            kind = "without values" if tensor.is_meta else f"of layout {tensor.layout}"
            raise UserError(f"{name} is a tensor {kind}, not a dense one", where=name, hint=hint)
    else:
        try:
            array = np.asarray(values)
        except ValueError as error:
            raise UserError(f"{name} has rows of unequal length", where=name, hint=hint) from error
        if array.dtype.kind == "f":
            with np.errstate(over="ignore"):  # reported below, with its place
                array = array.astype(np.float32)  # a copy: torch shares no read-only memory
        elif array.dtype.kind not in "iub":
            raise UserError(
                f"{name} is not an array of numbers but of {array.dtype}", where=name, hint=hint
            )
        tensor = torch.from_numpy(array)
    if not tensor.is_floating_point():
        raise UserError(
            f"{name} is of type {tensor.dtype}, not floating point",
            where=name,
            hint="convert it with .astype(float) or .float()",
        )
    if tensor.ndim != 2 or not tensor.numel():
        raise UserError(
            f"{name} has shape {tuple(tensor.shape)}, not (rows, columns)",
            where=name,
            hint="give a two-dimensional array that is not empty; pool maps to one number first"
            if name == "activations"
            else "give a two-dimensional array that is not empty",
        )
    tensor = tensor.float()
    wrong = (~torch.isfinite(tensor)).nonzero()
    if len(wrong):
        row, column = wrong[0].tolist()
        raise UserError(
            f"{name}[{row}, {column}] is {tensor[row, column].item()} "
            f"(not finite as float32: {len(wrong):,} of {tensor.numel():,} values)",
            where=name,
            hint="leave these rows or columns out",
        )
    return tensor


def _require_equal(count: int, name: str, expected: int, other: str, why: str) -> None:
    if count != expected:
        raise UserError(
            f"{name} has {count:,} rows, {other} has {expected:,}", where=name, hint=f"give {why}"
        )
