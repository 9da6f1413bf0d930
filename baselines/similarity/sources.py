"""Sources of concept scores: a matrix, or the embeddings of which it is the product.

The similarity functions read scores in tiles, so that with embeddings no array of images x concepts
is ever stored.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor
from torch.nn.functional import normalize

_CHECKED = (2**22, 2**28)
"""Elements of a tile that is checked for values that are not finite, on a CPU and on a GPU."""


class ConceptScores(ABC):
    """Raw cosines S of N images and C concepts.

    Attributes:
        n_images: Number of images N.
        n_concepts: Number of concepts C.
        device: Device of the tiles.
        dtype: Type of the scores.
    """

    n_images: int
    n_concepts: int
    device: torch.device
    dtype: torch.dtype

    @abstractmethod
    def tile(self, rows: Tensor | None, start: int, stop: int, out: Tensor | None = None) -> Tensor:
        """Return the scores of some images and of the concepts start..stop.

        Args:
            rows: Image indices, int64 [R]; None for all.
            start: First concept.
            stop: One past the last.
            out: With rows, the output [R, stop - start] of the type of the scores; allocation costs
                more than the copy.

        Returns:
            Floating point [R, stop - start]; for all images of a matrix, a view.
        """


class ScoreMatrix(ConceptScores):
    """Scores in a matrix.

    Args:
        scores: Scores S [N, C].

    Raises:
        ValueError: The matrix has an invalid shape or type, is empty, or not finite.
    """

    def __init__(self, scores: Tensor) -> None:
        _check_table("concept_scores", scores, "image")
        if not scores.numel():
            raise ValueError(f"no scores: {scores.shape[0]} images and {scores.shape[1]} concepts")
        self.scores = scores.detach()
        self.n_images, self.n_concepts = self.scores.shape
        self.device, self.dtype = self.scores.device, self.scores.dtype

    def tile(self, rows: Tensor | None, start: int, stop: int, out: Tensor | None = None) -> Tensor:
        """See `ConceptScores.tile`."""
        tile = self.scores[:, start:stop]
        return tile if rows is None else torch.index_select(tile, 0, rows, out=out)


class EmbeddedScores(ConceptScores):
    """Cosines of image and concept embeddings, computed tile by tile.

    Args:
        image_embeddings: float32 [N, D], not normalised.
        concept_embeddings: float32 [C, D], not normalised.

    Raises:
        ValueError: Inputs of the wrong shape, type or device, empty, or not finite.
    """

    def __init__(self, image_embeddings: Tensor, concept_embeddings: Tensor) -> None:
        _check_table("image_embeddings", image_embeddings, "image")
        _check_table("concept_embeddings", concept_embeddings, "concept")
        if not len(image_embeddings) or not len(concept_embeddings):
            raise ValueError(
                f"no scores: {len(image_embeddings)} images and {len(concept_embeddings)} concepts"
            )
        if image_embeddings.shape[1] != concept_embeddings.shape[1]:
            raise ValueError(
                f"image embeddings have {image_embeddings.shape[1]} numbers, concept embeddings "
                f"{concept_embeddings.shape[1]}: they must be of the same encoder"
            )
        if image_embeddings.device != concept_embeddings.device:
            raise ValueError(
                f"image embeddings are on {image_embeddings.device}, "
                f"but concept embeddings on {concept_embeddings.device}"
            )
        self.images = normalize(image_embeddings.detach(), dim=1)
        self.concepts = normalize(concept_embeddings.detach(), dim=1)
        self.n_images, self.n_concepts = len(self.images), len(self.concepts)
        self.device, self.dtype = self.images.device, self.images.dtype

    def tile(self, rows: Tensor | None, start: int, stop: int, out: Tensor | None = None) -> Tensor:
        """See `ConceptScores.tile`."""
        images = self.images if rows is None else self.images.index_select(0, rows)
        return torch.mm(images, self.concepts[start:stop].T, out=out)


def as_scores(scores: Tensor | ConceptScores) -> ConceptScores:
    """Wrap a matrix as a source of scores; return a source unchanged."""
    return ScoreMatrix(scores) if isinstance(scores, Tensor) else scores


def _check_table(name: str, table: Tensor, row_is: str) -> None:
    if table.ndim != 2:
        raise ValueError(f"{name} must be two-dimensional, not of shape {tuple(table.shape)}")
    if not table.is_floating_point():
        raise ValueError(f"{name} must be floating point, not {table.dtype}")
    if not table.numel():
        return
    together = _CHECKED[table.device.type == "cuda"]
    step = max(1, together // table.shape[1])
    parts = [table[start : start + step] for start in range(0, len(table), step)]
    # Sum instead of isfinite, which would write an array: NaN and infinities reach the sum (and so
    # may huge finite numbers). Synchronise the device once, after all parts.
    kind = torch.promote_types(table.dtype, torch.float32)
    if bool(torch.isfinite(torch.stack([part.sum(dtype=kind) for part in parts])).all()):
        return
    for number, part in enumerate(parts):
        wrong = (~torch.isfinite(part).all(dim=1)).nonzero()[:, 0]
        if len(wrong):
            row = number * step + int(wrong[0])
            raise ValueError(f"{name} of {row_is} {row} are not all finite")
