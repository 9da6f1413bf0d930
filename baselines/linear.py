"""Linear Explanations: describe a unit by a weighted sum of a few concepts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from baselines.base import Evidence, Labelling, Need, Vocabulary
from baselines.calibration import Calibration
from baselines.errors import MethodError
from baselines.superclasses import NONE, check_superclasses, recorded_parameters

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import pandas as pd
    from torch import Tensor

    from baselines.regression import Explanation, Split

_TOGETHER = 2**24
"""Probabilities that are computed at once."""

_LEAST_IMAGES = 20
"""Images that can be split: one in ten, for validation, must be two at least."""


@dataclass(frozen=True)
class _Linear:
    """What both variants share: parameters, search, and labels from explanations."""

    version: ClassVar[int] = 1
    source: ClassVar[str] = (
        "Oikarinen and Weng, Linear Explanations for Individual Neurons, ICML 2024, "
        "arXiv:2405.06855; https://github.com/Trustworthy-ML-Lab/Linear-Explanations"
    )

    penalty: float = 0.05 / 0.99
    l1_ratio: float = 0.99
    max_concepts: int = 10
    least_gain: float = 0.02

    def __post_init__(self) -> None:
        """Check the parameters before any evidence is gathered."""
        if not (math.isfinite(self.penalty) and self.penalty > 0):
            raise ValueError(f"penalty must be a number above 0, not {self.penalty!r}")
        if not 0 < self.l1_ratio < 1:
            raise ValueError(f"l1_ratio must be in (0, 1), not {self.l1_ratio!r}")
        if isinstance(self.max_concepts, bool) or self.max_concepts < 1:
            raise ValueError(
                f"max_concepts must be an integer of at least 1, not {self.max_concepts!r}"
            )
        if not (math.isfinite(self.least_gain) and self.least_gain >= 0):
            raise ValueError(f"least_gain must be a number of at least 0, not {self.least_gain!r}")

    def check_images(self, n_images: int) -> None:
        """Check that so many images can be split into those of training, validation and test.

        Raises:
            MethodError: There are too few.
        """
        if n_images < _LEAST_IMAGES:
            raise MethodError(
                f"{n_images} images are too few to split into training, validation and test",
                hint=f"choose a probe set of at least {_LEAST_IMAGES} images",
            )

    def warm_up(self) -> None:
        """Compile the loop of the elastic net, which runs on the CPU, ahead of timed calls."""
        import numpy as np

        from baselines.regression.kernels.descent import descend

        descend(np.eye(1), np.ones(1), np.zeros(1), 0.1, 0.1, 1e-8, 10)

    def _label(
        self,
        activations: Tensor,
        concepts: Sequence[str],
        tiles: Iterable[Tensor],
        split: Split,
        *notes: str,
        remedy: str,
    ) -> Labelling:
        """Explain the live units, and label each with its concepts of positive weight.

        Args:
            activations: Activations [N, U].
            concepts: Names of the C concepts.
            tiles: Consecutive columns of their values on the images in the split's order.
            split: The split.
            *notes: Notes for the record.
            remedy: What helps where no concept is seen in the images.
        """
        import pandas as pd
        import torch

        from baselines.regression import (
            LEAST_MEAN,
            STRONGEST,
            ConceptValues,
            Penalty,
            SearchLimits,
            explain_units,
        )
        from baselines.similarity import live_units

        live = live_units(activations).nonzero()[:, 0]
        values = ConceptValues.choose(tiles, split)
        penalty = Penalty(self.penalty * self.l1_ratio, self.penalty * (1 - self.l1_ratio))
        limits = SearchLimits(self.max_concepts, self.least_gain)
        found = explain_units(values, activations[split.order][:, live], penalty, limits)
        explanations = dict(zip(live.tolist(), found, strict=True))
        scores = torch.full((activations.shape[1], len(concepts)), torch.nan)
        for unit, own in explanations.items():
            positive = own.shares > 0
            scores[unit] = -torch.inf
            scores[unit, own.concepts[positive]] = torch.from_numpy(own.shares[positive]).float()
        sizes = torch.isfinite(scores).sum(dim=1).numpy()
        unseen = (
            f"no unit has a label: of none of the {len(concepts):,} concepts are the {STRONGEST} "
            f"largest values on the images of training at least {LEAST_MEAN} on average; {remedy}"
        )
        parts = f"{split.train} of training, {split.validation} of validation, {split.test} of test"
        return Labelling(
            concepts=tuple(concepts),
            scores=scores.to(activations.device),
            tables={
                "linear_explanations": explanation_table(explanations, concepts),
                "word_sets": pd.DataFrame({"unit": range(len(sizes)), "words": sizes}),
            },
            notes=(f"images: {parts}", *notes),
            warnings=() if len(values.places) else (unseen,),
            counts={
                "left_out_concepts": len(concepts) - len(values.places),
                "silent_units": sum(not len(own.concepts) for own in found),
            },
        )


@dataclass(frozen=True)
class LinearExplanations(_Linear):
    """Linear Explanations (Oikarinen and Weng, ICML 2024) by an image-text encoder.

    The value of a concept on an image is its probability, a sigmoid of the cosine that is
    calibrated for the encoder. An elastic net proposes concepts, and forward selection by the
    correlation on validation images chooses at most ten of them (`baselines.regression`).

    The published code differs: it fits each step by 100 steps of Adam from random weights (here,
    by normal equations); its tenth concept may be another than the one that was fitted; a unit that
    no concept correlates with stops it (here, the unit has no label); it splits images at random
    without a seed; and it reports the correlation on the images that chose the concepts (here, on
    test images too).

    Attributes:
        penalty: Weight of the elastic net's penalty, above 0.
        l1_ratio: Share of absolute weights in it, in (0, 1); the rest is of squares.
        max_concepts: Largest number of concepts, at least 1.
        least_gain: Correlation that each further concept must add on validation images, at least 0.
        scale: Slope of the sigmoid, above 0; None for the encoder's own.
        bias: What is added to cosines before; None for the encoder's own.

    Raises:
        ValueError: A value outside its range, or only one of `scale` and `bias`.
    """

    summary: ClassVar[str] = "Weighted sum of the concepts that an encoder finds in images"
    needs: ClassVar[frozenset[Need]] = frozenset(
        {"activations", "image_embeddings", "concept_embeddings", "calibration"}
    )
    given: ClassVar[str] = "captions (through its image-text encoder)"
    vocabulary: ClassVar[Vocabulary] = "concept set"

    scale: float | None = None
    bias: float | None = None

    def __post_init__(self) -> None:
        """Check the parameters before any evidence is gathered."""
        super().__post_init__()
        if (self.scale is None) != (self.bias is None):
            raise ValueError("scale and bias must be given together")
        if self.scale is not None and not (math.isfinite(self.scale) and self.scale > 0):
            raise ValueError(f"scale must be a number above 0, not {self.scale!r}")
        if self.bias is not None and not math.isfinite(self.bias):
            raise ValueError(f"bias must be a finite number, not {self.bias!r}")

    def calibrate(self, encoder: Calibration | None) -> Calibration:
        """Return the calibration to use.

        Args:
            encoder: The encoder's own calibration; None if it has none.

        Raises:
            MethodError: There is none, and `scale` and `bias` are not given.
        """
        if self.scale is not None and self.bias is not None:
            return Calibration(self.scale, self.bias)
        if encoder is None:
            raise MethodError(
                "no calibration is known for this encoder: its cosines cannot be turned into "
                "probabilities",
                hint="set method.params.scale and method.params.bias of sigmoid(scale * (cosine + "
                "bias)), such as 58 and -0.25 for OpenAI's ViT-L-14-336",
            )
        return encoder

    def describe(self, evidence: Evidence, *, seed: int) -> Labelling:
        """Label every unit of a whole layer.

        Args:
            evidence: Activations [N, U], image embeddings [N, D], concept embeddings [C, D], and
                the encoder's calibration unless `scale` and `bias` are given.
            seed: Seed of the split into images of training, validation and test.

        Returns:
            Shares of concepts with a positive weight, float32 [U, C] (`baselines.regression`): NaN
            rows for dead units, -inf for other concepts. The table "linear_explanations" has the
            concepts of both signs with their weights, "word_sets" the number of labels.

        Raises:
            ValueError: Embeddings or calibration are missing, or there are too few images.
        """
        from baselines.regression import split_images
        from baselines.similarity.inputs import spans
        from baselines.similarity.sources import EmbeddedScores

        calibration = self.calibrate(evidence.calibration)
        images, concepts = evidence.embedded()
        self.check_images(len(images))
        split = split_images(len(images), seed)
        source = EmbeddedScores(images[split.order], concepts)

        def tiles() -> Iterator[Tensor]:
            for start, stop in spans(len(concepts), max(1, _TOGETHER // len(images))):
                yield calibration.probabilities(source.tile(None, start, stop))

        origin = "the encoder's own" if self.scale is None else "given"
        scale, bias = calibration
        note = f"sigmoid of cosines: scale {scale:g}, bias {bias:g} ({origin})"
        return self._label(
            evidence.activations,
            evidence.concepts,
            tiles(),
            split,
            note,
            remedy="set method.params.scale and method.params.bias so that they fit the encoder, "
            "or choose concepts that the images show",
        )


@dataclass(frozen=True)
class LinearLabelExplanations(_Linear):
    """Linear Explanations (Oikarinen and Weng, ICML 2024) by the labels of images.

    As `LinearExplanations`, but the value of a concept on an image is 1 if its masks have the label
    anywhere, and else 0. The published code always adds superclasses of ImageNet's classes; here,
    `superclasses` does.

    Attributes:
        penalty: Weight of the elastic net's penalty, above 0.
        l1_ratio: Share of absolute weights in it, in (0, 1); the rest is of squares.
        max_concepts: Largest number of concepts, at least 1.
        least_gain: Correlation that each further concept must add on validation images, at least 0.
        superclasses: Superclasses that are labels too, as of `baselines.invert.Invert`.

    Raises:
        ValueError: A value outside its range.
    """

    summary: ClassVar[str] = "Weighted sum of image labels"
    needs: ClassVar[frozenset[Need]] = frozenset({"activations", "masks"})
    given: ClassVar[str] = "masks"
    vocabulary: ClassVar[Vocabulary] = "mask labels"

    superclasses: str = NONE

    @property
    def parameters(self) -> dict[str, Any]:
        """Parameters for the record."""
        return recorded_parameters(self)

    def __post_init__(self) -> None:
        """Check the parameters before any evidence is gathered."""
        super().__post_init__()
        check_superclasses(self.superclasses)

    def describe(self, evidence: Evidence, *, seed: int) -> Labelling:
        """Label every unit of a whole layer.

        Args:
            evidence: Activations [N, U] and masks of the N images.
            seed: Seed of the split into images of training, validation and test.

        Returns:
            As `LinearExplanations.describe`.

        Raises:
            ValueError: Masks are missing or do not match, or there are too few images.
        """
        from baselines.composition.presence import presence_of
        from baselines.regression import split_images

        presence = presence_of(evidence)
        assert evidence.masks is not None
        self.check_images(len(presence))
        split = split_images(len(presence), seed)
        names = [label.name for label in evidence.masks.labels]
        return self._label(
            evidence.activations,
            names,
            [presence[split.order].float()],
            split,
            remedy="choose more images, or masks with labels of several images",
        )


def explanation_table(
    explanations: Mapping[int, Explanation], concepts: Sequence[str]
) -> pd.DataFrame:
    """Return the concepts of every explained unit, by descending share.

    Args:
        explanations: Explanations by unit.
        concepts: Names of the C concepts.

    Returns:
        Columns unit (from 0), concept, weight, share, bias, validation_correlation and
        test_correlation (`baselines.regression.Explanation`); no row for a unit without concepts.
    """
    import pandas as pd

    rows = [
        (unit, concepts[at], weight, share, found.bias, found.validation, found.test)
        for unit, found in explanations.items()
        for at, weight, share in zip(found.concepts, found.weights, found.shares, strict=True)
    ]
    columns = ["unit", "concept", "weight", "share", "bias"]
    columns += ["validation_correlation", "test_correlation"]
    return pd.DataFrame(rows, columns=columns)
