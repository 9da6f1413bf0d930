"""The true name of a unit."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TrueName:
    """The name of what one unit is known to respond to.

    Attributes:
        name: The name as published; for ImageNet the whole synonym string ("tench, Tinca tinca").
        synonyms: Accepted names, the commonest first; never empty.
        hypernyms: Broader names that earn half a point in `lexical_match`.
        group: A group of true names with scores of its own, such as "seen" and "unseen" (whether
            the encoder's training captions ever used the name); empty for none.
        references: Sentences that people wrote of the unit, for BLEU and BERTScore.
        lookalikes: Names of other units, normalised, that look like an inflection of this name but
            are not ("sunglasses" and "sunglass").
        concepts: Names of all concepts that the unit responds to ("umbrella", "red"), which a label
            is compared with as a set; empty where the truth holds no such sets. Synonyms of a
            concept are those of the true name with the same `name` in the layer.
    """

    name: str
    synonyms: tuple[str, ...]
    hypernyms: tuple[str, ...] = ()
    group: str = ""
    references: tuple[str, ...] = ()
    lookalikes: tuple[str, ...] = ()
    concepts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.synonyms:
            raise ValueError(
                f"true name {self.name!r} has no synonym; give at least the name itself"
            )
