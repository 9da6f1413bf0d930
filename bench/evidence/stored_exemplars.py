"""Exemplars in the store: their keys, and reading them without network and probe set."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.evidence.row_reader import RowReader
from bench.networks.precision import key_part
from bench.parts.view import crop_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from baselines.spatial import ExemplarRule
    from bench.evidence.request import EvidenceRequest
    from bench.evidence.store import Entry, Store
    from bench.networks.layout import Layout

EXTRACTOR_VERSION = 1
"""Increase when exemplars of equal key parts change."""

TABLE_ROWS = 4096
"""Units in a chunk of the table."""

MASK_ROWS = 64
"""Units in a chunk of masks: 6 MB at 15 masks of 224 x 224."""

IMAGE_ROWS = 256
"""Images in a chunk: 38.5 MB at 224 x 224."""


@dataclass(frozen=True, eq=False)
class StoredExemplars:
    """Exemplars of one layer; `baselines.spatial.Exemplars`.

    The table is in memory; masks and images are read when asked for.

    Attributes:
        ids: int64 [U, K], -1 for a dead unit.
        activations: float32 [U, K], NaN for a dead unit.
        levels: A unit fires where its map exceeds this, float64 [U]; NaN for a dead unit, and for
            all units where `whole`.
        size: S.
        whole: Whether masks are whole images, since the layer has no maps.
        image_ids: Positions of all exemplars in the probe set, int64 [V], ascending.
        costs: What entries from the store cost when they were made (see `make_cost`).
        cached: Whether nothing had to be computed.
    """

    ids: NDArray[np.int64]
    activations: NDArray[np.float32]
    levels: NDArray[np.float64]
    size: int
    whole: bool
    image_ids: NDArray[np.int64]
    costs: tuple[Mapping[str, Any], ...]
    cached: bool
    _masks: RowReader | None
    _images: RowReader

    def masks(self, unit: int) -> NDArray[np.bool_]:
        """Return where a unit fires in its exemplars, bool [K, S, S].

        Raises:
            IndexError: There is no such unit.
            UserError: The entry was deleted from the cache since it was opened.
        """
        n_units, count = self.ids.shape
        if not 0 <= unit < n_units:
            raise IndexError(f"unit {unit} of {n_units}")
        if self._masks is None:
            return np.full((count, self.size, self.size), self.ids[unit, 0] >= 0)
        bits = self._masks.take([unit])[0]
        pixels = np.unpackbits(bits, axis=1, count=self.size**2)
        return pixels.reshape(count, self.size, self.size).view(np.bool_)

    def images(self, ids: Sequence[int]) -> NDArray[np.uint8]:
        """Read exemplar images by position in the probe set, uint8 [B, S, S, 3]; safe in threads.

        Raises:
            IndexError: An image is not an exemplar of any unit.
            UserError: The entry was deleted from the cache since it was opened.
        """
        wanted = np.asarray(ids, dtype=np.int64).reshape(-1)
        if not len(wanted):
            return np.zeros((0, self.size, self.size, 3), np.uint8)
        unknown = wanted[~np.isin(wanted, self.image_ids)]
        if len(unknown):
            raise IndexError(f"image {unknown[0]} is not an exemplar of any unit")
        return self._images.take(np.searchsorted(self.image_ids, wanted).tolist())


def exemplar_keys(
    request: EvidenceRequest,
    layer: str,
    layout: Layout,
    rule: ExemplarRule,
    size: int,
    *,
    n_units: int,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the keys of a layer's table and masks: everything that decides its exemplars.

    Args:
        request: For the layer.
        layer: Module path.
        layout: How the layer is read; it decides which units are dead.
        rule: Which images are exemplars, and where in them a unit fires.
        size: S.
        n_units: U, the rows of both entries.
    """
    described = request.directions
    parts = {
        "target": dict(request.target.fingerprint()),
        **({"directions": dict(described.fingerprint())} if described else {}),
        "layer": layer,
        "precision": request.execution.precision,
        **key_part(tf32=request.execution.tf32),
        "pooling": layout.key_pooling,
        **layout.key_part(),
        "probe": dict(request.probe.fingerprint()),
        "images": len(request.probe),
        "top_k": rule.top_k,
        "quantile": rule.quantile,
        # Absent from the keys of earlier entries, all of which are by peak.
        **({"order": rule.order} if rule.order != "peak" else {}),
        "size": size,
        "view": crop_of(request.target),
        "n": n_units,
        "extractor": EXTRACTOR_VERSION,
    }
    return (
        {"kind": "exemplars", "rows": TABLE_ROWS, **parts},
        {"kind": "exemplar_masks", "rows": MASK_ROWS, **parts},
    )


def table_type(count: int) -> np.dtype[Any]:
    """Return the type of a row of the table: one unit with K = `count` exemplars."""
    return np.dtype([("ids", "<i8", (count,)), ("activations", "<f4", (count,)), ("level", "<f8")])


def open_exemplars(
    table_key: Mapping[str, Any], mask_key: Mapping[str, Any], store: Store
) -> StoredExemplars | None:
    """Open exemplars in the store.

    Args:
        table_key: From `exemplar_keys`.
        mask_key: From `exemplar_keys`.
        store: The evidence cache.

    Returns:
        The exemplars; None where any of their entries is missing.
    """
    with store.hold(table_key) as [table]:
        if not table.complete:
            return None
    keys = [table.meta["images"]] if table.meta["whole"] else [table.meta["images"], mask_key]
    with store.hold(*keys) as [images, *masks]:
        if not all(entry.complete for entry in (images, *masks)):
            return None
    return from_entries(table, masks[0] if masks else None, images)


def from_entries(
    table: Entry,
    masks: Entry | None,
    images: Entry,
    made: Sequence[Entry] = (),
) -> StoredExemplars:
    """Assemble exemplars from complete entries.

    Args:
        table: Of kind "exemplars".
        masks: Of kind "exemplar_masks"; None for a layer without maps.
        images: Of kind "exemplar_images".
        made: Those entries that were made in this run.
    """
    rows = table.read()
    ids = np.ascontiguousarray(rows["ids"])
    used = [entry for entry in (table, masks, images) if entry is not None]
    earlier = [e for e in used if e.cost and not (e in made and e.cost["complete"])]
    costs = {e.cost["pass"]: e.cost for e in earlier if e.cost}
    return StoredExemplars(
        ids=ids,
        activations=np.ascontiguousarray(rows["activations"]),
        levels=np.ascontiguousarray(rows["level"]),
        size=int(table.parts["size"]),
        whole=masks is None,
        image_ids=unique_ids(ids),
        costs=tuple(costs.values()),
        cached=not made,
        _masks=None if masks is None else RowReader(masks, MASK_ROWS),
        _images=RowReader(images, IMAGE_ROWS),
    )


def unique_ids(ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return each exemplar once, ascending, int64 [V]; dead units have none."""
    unique: NDArray[np.int64] = np.unique(ids[ids >= 0])
    return unique


def image_key(request: EvidenceRequest, ids: NDArray[np.int64], size: int) -> dict[str, Any]:
    """Return the key of exemplar images: everything that decides their pixels.

    Args:
        request: Whose probe set and target they are of.
        ids: Positions of the images in the probe set, int64 [V].
        size: Side in pixels.
    """
    return {
        "kind": "exemplar_images",
        "rows": IMAGE_ROWS,
        "probe": dict(request.probe.fingerprint()),
        "images": len(request.probe),
        "ids": hashlib.sha256(ids.astype("<i8").tobytes()).hexdigest(),
        "size": size,
        "view": crop_of(request.target),
        "n": len(ids),
        "extractor": EXTRACTOR_VERSION,
    }
