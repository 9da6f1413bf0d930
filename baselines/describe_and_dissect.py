"""Describe-and-Dissect: caption a unit's images, and choose the concept that explains it best."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from baselines.base import Evidence, Labelling, Need, Vocabulary
from baselines.captions import Search
from baselines.spatial import ExemplarRule

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from baselines.captions import Captioner, ImageText
    from baselines.generated import LanguageModel, TargetLayer
    from baselines.generation.images import ConceptResponse, ShownImages
    from baselines.spatial import Exemplars, Maps

SHOWN = 10
"""Number of concepts of a unit that become its labels, as for other methods."""

_IMAGE_COLUMNS = (
    "unit", "rank", "image", "top", "left", "bottom", "right", "activation", "caption",
)  # fmt: skip


@dataclass(frozen=True)
class DescribeAndDissect:
    """Describe-and-Dissect (Bai et al., TMLR 2025).

    1. The unit's top images by pooled activation, and crops of them where its map is high; of
       both, the `top_k` that activate it most.
    2. A caption of each; a language model says what they have in common, several times. Without a
       language model the captions themselves are the candidate concepts.
    3. Images of each candidate concept, by a generator.
    4. The concept to whose images the unit responds most, weighted by their similarity to its own
       images (`baselines.generation.ranking`). Without a generator, and for a unit none of whose
       concepts has images, the concept nearest to the unit's own images by the image-text encoder.

    The published code differs: maps overflow when they are cast to 8 bits; activations on crops
    are averages whatever the pooling; the order of concepts is random; images of concepts are
    shrunk to 32 x 32 pixels; and a negative similarity rewards concepts of low activations.

    Attributes:
        top_k: Images per unit, before crops are added and after.
        crops: Maximum number of crops of an image; 0 for none.
        concepts: Answers of the language model for each unit.
        generated: Images of each concept, at most.

    Raises:
        ValueError: A value outside its range.
    """

    summary: ClassVar[str] = "Concept of captions of its top images, tested on images of concepts"
    version: ClassVar[int] = 1
    needs: ClassVar[frozenset[Need]] = frozenset(
        {
            "activations",
            "maps",
            "exemplars",
            "captioner",
            "image_text",
            "target",
            "language_model",
            "generator",
        }
    )
    given: ClassVar[str] = "captions"
    vocabulary: ClassVar[Vocabulary] = "free text"
    source: ClassVar[str] = (
        "Bai, Iyer, Oikarinen, Kulkarni and Weng, Interpreting Neurons in Deep Vision Networks "
        "with Language Models, TMLR 2025, arXiv:2403.13771; "
        "https://github.com/Trustworthy-ML-Lab/Describe-and-Dissect"
    )

    top_k: int = 10
    crops: int = 4
    concepts: int = 5
    generated: int = 10

    def __post_init__(self) -> None:
        """Check the parameters before any evidence is gathered."""
        for name, least in (("top_k", 1), ("crops", 0), ("concepts", 1), ("generated", 1)):
            if getattr(self, name) < least:
                raise ValueError(f"{name} must be at least {least}, not {getattr(self, name)!r}")

    @property
    def exemplar_rule(self) -> ExemplarRule:
        """Rule for exemplars."""
        return ExemplarRule(top_k=self.top_k, order="pooled")

    def describe(self, evidence: Evidence, *, seed: int) -> Labelling:
        """Label every unit of a whole layer.

        Args:
            evidence: Activations [N, U], maps, exemplars, a captioner, an image-text encoder, the
                target's layer and, where they are configured, a language model and a generator.
            seed: Seed of the captions' random orders, and of models that draw at random.

        Returns:
            Each unit's ten best concepts with scores; none for a dead unit and for one without a
            caption, which is counted as silent. The table "images" has the images and crops with
            their captions, "concepts" all concepts and what their scores are made of.

        Raises:
            ValueError: Evidence is missing, or of another layer.
        """
        import pandas as pd
        from tqdm import tqdm

        from baselines.alignment.labelling import note_top_k
        from baselines.generation.images import concept_responses, exemplar_maps, shown_images
        from baselines.milan import live_units

        exemplars, maps, captioner, encoder, layer = _required(evidence)
        respond = None
        if evidence.generator is not None:
            respond = concept_responses(
                evidence.generator,
                layer,
                encoder,
                count=self.generated,
                size=exemplars.size,
                seed=seed,
            )
        own_maps = exemplar_maps(maps, exemplars.ids)
        ranked: list[list[_Ranked]] = [[] for _ in exemplars.ids]
        images: list[tuple[Any, ...]] = []
        live = live_units(evidence, exemplars)
        for unit in tqdm(live, unit="unit", desc="concepts", disable=None):
            shown = shown_images(
                exemplars, unit, own_maps[unit], layer, crops=self.crops, count=self.top_k
            )
            captions = _caption(captioner, shown, seed)
            images += _image_rows(unit, shown, captions)
            concepts = self._concepts(captions, evidence.language_model, [seed, unit])
            if concepts:
                ranked[unit] = _rank(concepts, unit, shown, encoder, respond)
        return Labelling(
            concepts=(),
            scores=None,
            texts=[[(one.concept, one.score) for one in unit[:SHOWN]] for unit in ranked],
            tables={
                "images": pd.DataFrame(images, columns=_IMAGE_COLUMNS),
                "concepts": pd.DataFrame(
                    [
                        (unit, rank, *one)
                        for unit, own in enumerate(ranked)
                        for rank, one in enumerate(own)
                    ],
                    columns=["unit", "rank", *_Ranked._fields],
                ),
            },
            notes=(
                *note_top_k(self.top_k, len(evidence.activations)),
                *(["no crops: the layer has no maps"] if maps.map_size == (1, 1) else []),
            ),
            counts={"silent_units": sum(not ranked[unit] for unit in live)},
        )

    def _concepts(
        self, captions: Sequence[str], model: LanguageModel | None, seed: Sequence[int]
    ) -> list[str]:
        """Return a unit's candidate concepts: of a language model, or the captions themselves."""
        from baselines.generation.concepts import clean_concept, distinct, summarise

        said = [caption for caption in captions if caption]
        if model is None or not said:
            return distinct([clean_concept(caption) for caption in said])
        # With repetitions, which say what most images show.
        return summarise(said, model, rounds=self.concepts, seed=seed)


class _Ranked(NamedTuple):
    """A candidate concept of a unit.

    Attributes:
        concept: The concept.
        mean_square: See `baselines.generation.ranking.ConceptScores`; NaN without images of it.
        similarity: The same; without images, the mean cosine of its text and the unit's images.
        score: Score of the concept.
    """

    concept: str
    mean_square: float
    similarity: float
    score: float


def _required(
    evidence: Evidence,
) -> tuple[Exemplars, Maps, Captioner, ImageText, TargetLayer]:
    """Return the evidence without which the method cannot run.

    Raises:
        ValueError: Some is missing.
    """
    exemplars, maps, captioner = evidence.exemplars, evidence.maps, evidence.captioner
    encoder, layer = evidence.image_text, evidence.target
    if exemplars and maps and captioner and encoder and layer:
        return exemplars, maps, captioner, encoder, layer
    raise ValueError(
        "exemplars, maps, captioner, image_text or target are missing; add all to the needs"
    )


def _caption(captioner: Captioner, shown: ShownImages, seed: int) -> list[str]:
    """Return the most likely caption of each image; empty for none."""
    search = Search("greedy", beam=1, pmi_weight=0.0)
    found = captioner.describe(shown, range(len(shown.table)), search, seed=seed)
    return [own[0].text if own else "" for own in found]


def _image_rows(unit: int, shown: ShownImages, captions: Sequence[str]) -> list[tuple[Any, ...]]:
    return [
        (unit, rank, int(source), *box, float(value), caption)
        for rank, (source, box, value, caption) in enumerate(
            zip(shown.sources, shown.boxes, shown.values, captions, strict=True)
        )
    ]


def _rank(
    concepts: Sequence[str],
    unit: int,
    shown: ShownImages,
    encoder: ImageText,
    respond: Callable[[str], ConceptResponse | None] | None,
) -> list[_Ranked]:
    """Rank a unit's candidate concepts, best first; equal scores keep their order.

    Concepts without images are left out, unless there are images of none.
    """
    from torch.nn.functional import normalize

    from baselines.generation.concepts import add_backgrounds
    from baselines.generation.ranking import rank_concepts

    own = normalize(encoder.images(shown.table), dim=1).mean(dim=0)
    responses = {}
    if respond is not None:
        found = {concept: respond(concept) for concept in add_backgrounds(concepts)}
        responses = {concept: one for concept, one in found.items() if one is not None}
    if responses:
        scores = rank_concepts(
            [one.activations[:, unit] for one in responses.values()],
            [(one.embeddings @ own).numpy() for one in responses.values()],
        )
        rows = zip(responses, *(column.tolist() for column in scores), strict=True)
        ranked = [_Ranked(*row) for row in rows]
    else:
        cosines = (normalize(encoder.texts(concepts), dim=1) @ own).tolist()
        ranked = [
            _Ranked(concept, math.nan, cosine, cosine)
            for concept, cosine in zip(concepts, cosines, strict=True)
        ]
    return sorted(ranked, key=lambda one: -one.score)
