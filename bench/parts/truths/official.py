"""Texts of mask labels and class names that the published notebooks embed.

CLIP-Dissect (Oikarinen and Weng, ICLR 2023) compares Network Dissection's labels with class names
in two notebooks. That of table 1 embeds both as in their files; that of table 2 (Places365) first
removes some characters (see `places365.py`). The published cosines are those of these texts.
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
    """Texts that are embedded under the official rules instead of cleaned mask labels.

    Attributes:
        label: Label as in the masks' files -> embedded text.
        names: Embedded true names, by unit.
        reader: Embedded text -> the text compared with a true name; the same if None.
    """

    label: Callable[[str], str]
    names: Mapping[int, TrueName]
    reader: Reader | None


@runtime_checkable
class _HasOfficialTexts(Protocol):
    def official_texts(self) -> OfficialTexts: ...


def official_texts(truth: Truth) -> OfficialTexts:
    """Return the embedded texts of mask labels and of a truth's names under the official rules.

    A truth whose notebook changes the texts has a method `official_texts`; otherwise they are those
    of the files ("street-s", "bus_station-indoor-s").
    """
    if isinstance(truth, _HasOfficialTexts):
        return truth.official_texts()
    return OfficialTexts(str, truth.names(), lambda label: (clean_mask_label(label),))
