"""Find the true names that a scores file names by their hash."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from omegaconf import OmegaConf

from bench.errors import UserError
from bench.parts import catalog
from bench.parts.truths.class_names import add_lookalikes, true_names
from bench.run.identity import describe_truth

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from omegaconf import DictConfig

    from bench.parts.protocols import Truth
    from bench.run.build import Parts
    from metrics.truth import TrueName


@dataclass(frozen=True, eq=False)
class GivenNames:
    """True names that were found otherwise than by their configuration."""

    summary: ClassVar[str] = "true names found by their hash"

    of: Mapping[int, TrueName]

    def names(self) -> Mapping[int, TrueName]:
        """Return true names by unit."""
        return self.of


def find_truth(
    described: Mapping[str, Any], configured: DictConfig, published: Mapping[int, str], parts: Parts
) -> Truth | None:
    """Return the truth whose names have the recorded hash; None if it is not on this machine.

    Try the configured truth, then the shipped one of that name, whole and on the units of the
    table, then the class list that the published names in the table make up.

    Args:
        described: {name, units, hash}, as in scores files.
        configured: The record's `target.truth`.
        published: True names by unit, as in the table of units.
        parts: Parts that were built before.
    """
    if not described.get("units"):
        return GivenNames({})
    name = str(described["name"])
    for truth in _candidates(name, configured, published, parts):
        if describe_truth(name, truth.names())["hash"] == described["hash"]:
            return truth
    return None


def _candidates(
    name: str, configured: DictConfig, published: Mapping[int, str], parts: Parts
) -> Iterator[Truth]:
    nodes = [OmegaConf.create({"name": name, "params": {}})]
    if configured.name == name:
        nodes.insert(0, configured)
    for node in nodes:
        try:
            truth = parts.build(catalog.TRUTHS, node, "target.truth")
            names = truth.names()
        except UserError:
            continue
        yield truth
        if published.keys() <= names.keys():
            yield GivenNames({unit: names[unit] for unit in sorted(published)})
    yield GivenNames(add_lookalikes(true_names(published)))
