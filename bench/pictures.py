"""Pictures of the units that records describe: gathered as a run gathers exemplars, or cached."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from baselines.spatial import ExemplarRule
from bench.downloads.requirements import unmet_requirements
from bench.errors import UserError
from bench.offline import offline
from bench.parts.view import crop_of
from bench.rescore import record_config
from bench.run.exemplars import ExemplarSource
from leaderboards.hashing import page_hash

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from bench.evidence import StoredExemplars
    from leaderboards.naming import NamedCell

RULE = ExemplarRule(top_k=8, quantile=0.99)
"""Images of a unit, and the quantile of values above which it fires (Bau et al., 2020)."""

SIZE = 96
"""Side of an image in pixels."""


@dataclass(frozen=True)
class Pictures:
    """Exemplars of a layer; `leaderboards.site.pictures.UnitPictures`.

    Attributes:
        exemplars: In the cache.
        source: Identifies the images.
    """

    exemplars: StoredExemplars
    source: str

    @property
    def size(self) -> int:
        """Side of an image in pixels."""
        return self.exemplars.size

    @property
    def whole(self) -> bool:
        """Whether there are no masks, since the layer has no maps."""
        return self.exemplars.whole

    @property
    def ids(self) -> NDArray[np.int64]:
        """Positions of the images in the probe set [U, K], -1 for a dead unit."""
        return self.exemplars.ids

    def images(self, ids: Sequence[int]) -> NDArray[np.uint8]:
        """Return images by position, uint8 [B, S, S, 3]."""
        return self.exemplars.images(ids)

    def masks(self, unit: int) -> NDArray[np.bool_]:
        """Return where a unit fires in its images, bool [K, S, S]."""
        return self.exemplars.masks(unit)


class PictureFinder:
    """Finds pictures of the layers that records describe.

    Args:
        overrides: Of `runtime`, for all records.
    """

    def __init__(self, overrides: Sequence[str] = ()) -> None:
        self._overrides = overrides
        self._found: dict[str, dict[str, Pictures]] = {}

    def find(self, named: NamedCell) -> Pictures | str:
        """Return the pictures of a cell's layer on its probe set, or why there are none.

        All layers of a job are gathered in one pass over the images.
        """
        record, folder = named.cell.record, named.cell.folder
        if record.is_imported:
            return "the labels were made elsewhere"
        assert folder is not None
        try:
            config = record_config(folder, self._overrides)
            with offline(config.runtime.offline):
                source = ExemplarSource.of(config)
                if missing := _missing(source):
                    return missing
                key = page_hash(
                    [
                        dict(source.target.fingerprint()),
                        dict(source.probe.fingerprint()),
                        source.layers,
                        str(config.target.pooling),
                    ],
                    16,
                )
                if key not in self._found:
                    self._found[key] = _gather(source)
        except UserError as error:
            return str(error)
        return self._found[key][str(record.target["layer"])]


def _missing(source: ExemplarSource) -> str:
    """Return what the pictures need and this machine does not have; "" for nothing."""
    unmet = dict.fromkeys((*unmet_requirements(source.target), *unmet_requirements(source.probe)))
    return "; ".join(f"{need.name} is not here ({need.hint})" for need in unmet)


def _gather(source: ExemplarSource) -> dict[str, Pictures]:
    """Return the pictures of each layer."""
    images = page_hash([dict(source.probe.fingerprint()), crop_of(source.target), SIZE], 16)
    gathered = source.gather(RULE, SIZE)
    return {layer: Pictures(exemplars, images) for layer, exemplars in gathered.items()}
