"""How the published notebooks write mask labels and class names before a judge embeds them.

CLIP-Dissect (Oikarinen and Weng, ICLR 2023) compares Network Dissection's labels with class names
in two notebooks: that of table 1 embeds both as their files have them, that of table 2 (Places365)
takes some marks off first (see `places365.py`). The published cosines are of those texts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from metrics.formulas import clean_mask_label

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bench.parts.protocols import Truth
    from metrics.formulas import Reader
    from metrics.truth import TrueName


@dataclass(frozen=True)
class OfficialTexts:
    """What is embedded under the official rules in place of cleaned mask labels.

    Attributes:
        label: From a label as the masks' own files have it to the text that is embedded.
        names: True names by unit, as they are embedded.
        reader: What such a text says when it is compared with a true name; itself if None.
    """

    label: Callable[[str], str]
    names: Mapping[int, TrueName]
    reader: Reader | None


@runtime_checkable
class _HasOfficialTexts(Protocol):
    def official_texts(self) -> OfficialTexts: ...


def official_texts(truth: Truth) -> OfficialTexts:
    """Return how mask labels and a truth's names are embedded under the official rules.

    A truth whose notebook changes the texts has a method `official_texts`; else they stay as they
    stand in their files ("street-s", "bus_station-indoor-s").
    """
    if isinstance(truth, _HasOfficialTexts):
        return truth.official_texts()
    return OfficialTexts(str, truth.names(), lambda label: (clean_mask_label(label),))
