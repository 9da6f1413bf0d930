"""Embeddings of images and labels in files; the image-text model itself is not needed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from bench.errors import UserError
from bench.parts.array_files import parse_array_file, unmet_array
from bench.parts.image_names import read_texts, require_images
from bench.parts.protocols import LoadedEncoder
from leaderboards.hashing import sha256_json, words_sha256

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from bench.downloads.requirements import Requirement
    from bench.parts.array_files import OpenArray
    from bench.parts.protocols import Fingerprint, Probe

_KEY = "encoder.params"
_SHOWN = 5


@dataclass(frozen=True)
class PrecomputedEncoder:
    """Image embeddings [images, D] and text embeddings [words, D], in files.

    Attributes:
        images: The image embeddings (PATH or PATH::NAME), one row per image of the probe set.
        texts: The text embeddings (PATH or PATH::NAME), one row per word.
        words: The words: a text file, one per line, or PATH::NAME of an array of texts. They
            contain every candidate label, in any order.
        names: Names of the images, one per row, to compare with the probe set's; empty to compare
            the number of rows only.
        text_tower: Identity of the text tower, to mark scores by a judge with the same one as
            circular; `dissectbench export-evidence` prints it. Empty if unknown.
    """

    summary: ClassVar[str] = "embeddings of images and labels in files, of any image-text model"

    images: str
    texts: str
    words: str
    names: str = ""
    text_tower: str = ""

    def fingerprint(self) -> Fingerprint:
        """Return content and type of the embeddings, the words, and the names of the images."""
        files = {}
        for role, opened in (("images", self._images), ("texts", self._texts)):
            file = parse_array_file(getattr(self, role), f"{_KEY}.{role}")
            array = {"array": file.name} if file.name else {}
            files[role] = {"sha256": file.sha256(), **array, "dtype": opened.dtype}
        names = {"names": sha256_json(list(self._names))} if self._names else {}
        tower = {"text_tower": self.text_tower} if self.text_tower else {}
        words = {"words": words_sha256(tuple(self._rows))}
        return {"kind": "precomputed", **files, **words, **names, **tower}

    def unmet_requirements(self) -> tuple[Requirement, ...]:
        """Return the missing files."""
        whats = {"images": "file of image embeddings", "texts": "file of text embeddings",
                 "words": "list of words", "names": "list of image names"}  # fmt: skip
        unmet = [unmet_array(getattr(self, k), what, f"{_KEY}.{k}") for k, what in whats.items()]
        return tuple(requirement for each in unmet for requirement in each)

    def load(self, device: str) -> LoadedEncoder:
        """Return a model that knows its own words only, and no images."""
        return LoadedEncoder(_refuse_images, _refuse_images, self._embed)

    def image_embeddings(self, probe: Probe) -> NDArray[np.float32]:
        """Return the image embeddings; see `GivesEmbeddings`."""
        self.check_embeddings(probe, ())
        return self._images.read()

    def check_embeddings(self, probe: Probe, words: Sequence[str]) -> None:
        """Refuse images or words without embeddings; see `GivesEmbeddings`."""
        rows, width = self._images.shape
        require_images(self.images, rows, self._names, probe, f"{_KEY}.images")
        if self._texts.shape[1] != width:
            raise UserError(
                f"image embeddings have {width:,} columns, and text embeddings "
                f"{self._texts.shape[1]:,}",
                where=f"{_KEY}.texts",
                hint="embed images and texts with the same image-text model",
            )
        missing = [word for word in words if word not in self._rows]
        if missing:
            more = f" and {len(missing) - _SHOWN:,} more" if len(missing) > _SHOWN else ""
            raise UserError(
                f"{len(missing):,} of {len(words):,} texts have no embedding: "
                f"{', '.join(map(repr, missing[:_SHOWN]))}{more}",
                where=f"{_KEY}.words",
                hint=f"embed them too, or take the words as candidate labels: concepts=file "
                f"concepts.params.path={self.words}; texts are compared exactly",
            )

    def _embed(self, texts: Sequence[str]) -> Tensor:
        import torch

        table = torch.from_numpy(self._texts.read())
        return table[[self._rows[text] for text in texts]]

    @cached_property
    def _images(self) -> OpenArray:
        return _open(self.images, "images")

    @cached_property
    def _texts(self) -> OpenArray:
        return _open(self.texts, "texts")

    @cached_property
    def _rows(self) -> dict[str, int]:
        """The row of each word."""
        words = read_texts(self.words, f"{_KEY}.words")
        if len(words) != self._texts.shape[0]:
            raise UserError(
                f"{self.words} has {len(words):,} words, and {self.texts} has "
                f"{self._texts.shape[0]:,} rows",
                where=f"{_KEY}.words",
                hint="give one word per row",
            )
        rows: dict[str, int] = {}
        for row, word in enumerate(words):
            if rows.setdefault(word, row) != row:
                raise UserError(
                    f"{self.words} has {word!r} twice, in rows {rows[word]} and {row}",
                    where=f"{_KEY}.words",
                    hint="keep one of them, and its row of the text embeddings",
                )
        return rows

    @cached_property
    def _names(self) -> tuple[str, ...]:
        return read_texts(self.names, f"{_KEY}.names") if self.names else ()


def _open(setting: str, role: str) -> OpenArray:
    opened = parse_array_file(setting, f"{_KEY}.{role}").open()
    opened.require_shape(f"{role} x dimensions")
    return opened


def _refuse_images(_: Any) -> NoReturn:
    raise UserError(
        "the encoder is embeddings in files, and this embeds other images",
        where="encoder",
        hint="choose an encoder that is a model, such as open_clip",
    )
