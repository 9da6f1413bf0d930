"""The parts in their order: what each is called, what it may take, and what runs it."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.speed.gpu.sheet import Sheet
    from bench.speed.gpu.sizes import Sizes


@dataclass(frozen=True)
class Part:
    """One part.

    Attributes:
        name: Its name, and that of its module.
        share: Of all the seconds that there are.
        says: What it finds out.
    """

    name: str
    share: float
    says: str

    @property
    def run(self) -> Callable[[Sheet, Sizes], None]:
        """What does its work."""
        work: Callable[[Sheet, Sizes], None] = import_module(f"bench.speed.gpu.{self.name}").run
        return work


PARTS = (
    Part("agreement", 0.09, "whether the GPU's results are those of the CPU"),
    Part("functions", 0.15, "the similarity functions against their plain loops"),
    Part("cell", 0.42, "the five-layer ResNet-50 cell of CLIP-Dissect"),
    Part("methods", 0.24, "every method on ResNet-18 and ResNet-50"),
    Part("operations", 0.10, "the most expensive operations on the device"),
)
