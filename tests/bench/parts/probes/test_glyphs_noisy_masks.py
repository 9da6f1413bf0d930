"""The probe set with noisy masks: the images of `glyphs`, other masks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.errors import UserError
from bench.parts.probes import GlyphsNoisyMasksProbe, GlyphsProbe
from bench.parts.protocols import SegmentedProbe

if TYPE_CHECKING:
    from pathlib import Path


def test_the_images_are_those_of_glyphs_and_the_masks_are_not(tmp_path: Path) -> None:
    exact, noisy = GlyphsProbe(size=8), GlyphsNoisyMasksProbe(size=8)
    assert isinstance(noisy, SegmentedProbe)
    assert noisy.fingerprint() == exact.fingerprint()
    assert noisy.mask_labels() == exact.mask_labels()
    true, drawn = exact.masks(tmp_path), noisy.masks(tmp_path)
    assert (len(drawn), drawn.labels, drawn.mask_size) == (8, true.labels, (64, 64))
    for index in range(8):
        planes, own = drawn.image(index).planes, true.image(index).planes
        assert ((planes >= 0) >= (own >= 0)).all()
        assert 0 < ((planes >= 0) & (own < 0)).sum() < (own >= 0).sum()


def test_the_masks_fingerprint_and_the_record_say_how_noisy_they_are() -> None:
    noisy = GlyphsNoisyMasksProbe(size=8)
    assert noisy.parameters == {"variant": "val", "size": 8, "growth": 2, "relabelled": 0.05}
    others = [
        GlyphsProbe(size=8),
        GlyphsNoisyMasksProbe(size=8, growth=1),
        GlyphsNoisyMasksProbe(size=8, relabelled=0.1),
        GlyphsNoisyMasksProbe(size=8, offset=1),
    ]
    assert all(other.masks_fingerprint() != noisy.masks_fingerprint() for other in others)
    with pytest.raises(UserError, match=r"invalid share 1\.5"):
        GlyphsNoisyMasksProbe(relabelled=1.5)
    with pytest.raises(UserError, match="invalid growth -1"):
        GlyphsNoisyMasksProbe(growth=-1)
