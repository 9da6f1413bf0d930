"""The labels of a Broden tree as concepts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from bench.downloads.paths import require_folder
from bench.errors import UserError
from bench.parts.file_params import FileParams
from metrics.formulas import clean_mask_label


@dataclass(frozen=True)
class BrodenConcepts(FileParams):
    """The names of a tree's labels without suffixes: "street" for "street-s".

    Read only the tables of labels and categories, not the index, images or masks.

    Attributes:
        path: The tree: the folder of label.csv.
        categories: Categories of the labels, as of `probe=broden`; all but material if empty.
    """

    summary: ClassVar[str] = "the label names of a Broden tree"
    config_key = "concepts.params"
    reads = (("path", "Broden tree"),)

    path: str = "fetched:broden1_224"
    categories: tuple[str, ...] = ()

    def words(self) -> tuple[str, ...]:
        """Return the names, sorted by the label's primary category, then by its number."""
        return self._read[0]

    def notes(self) -> tuple[str, ...]:
        """Return the number of labels with the name of an earlier one."""
        return self._read[1]

    @cached_property
    def _read(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        from bench.broden.vocabulary import read_vocabulary

        vocabulary = read_vocabulary(require_folder(self.path, "concepts.params.path"))
        try:
            selected = vocabulary.select(self.categories)
        except UserError as error:  # of the probe's config key
            raise UserError(
                error.what, where="concepts.params.categories", valid=error.valid, hint=error.hint
            ) from error
        labels = vocabulary.concepts(selected).values()
        names = [clean_mask_label(label.name).strip() for label in labels]
        words = tuple(dict.fromkeys(names))
        if not words:
            raise UserError(
                "the tree has no label in these categories",
                where="concepts.params.categories",
                hint=f"its categories are: {', '.join(vocabulary.categories)}",
            )
        again = len(names) - len(words)
        if not again:
            return words, ()
        labels_again = "label" if again == 1 else "labels"
        return words, (f"dropped {again} {labels_again} with the name of an earlier one",)
