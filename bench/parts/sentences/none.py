"""No sentence encoder: scores that need one have no value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from bench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from bench.parts.protocols import Fingerprint


@dataclass(frozen=True)
class NoSentenceEncoder:
    """No encoder; accuracy, lexical match and ranks need none."""

    summary: ClassVar[str] = "none: scores that need a sentence encoder have no value"

    def fingerprint(self) -> Fingerprint:
        """Return nothing."""
        return {}

    def load(self, device: str) -> Callable[[Sequence[str]], NDArray[np.float32]]:
        """Raise an error, since there is nothing to load."""
        raise UserError(
            "no sentence encoder was chosen",
            where="scoring.sentence.name",
            hint="scoring=minilm, which needs no download",
        )
