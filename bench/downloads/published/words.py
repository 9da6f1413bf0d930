"""Word lists."""

from __future__ import annotations

from bench.downloads.entry import Download
from bench.downloads.published.common import COMMIT, NO_LICENCE

_CLIP_DISSECT = (
    "https://raw.githubusercontent.com/Trustworthy-ML-Lab/CLIP-dissect/"
    "21e7697feaea3bf7d7bc2d2cc8e4047d5f5fd502/data/"
)


def _words(size: str, count: str, length: int, sha256: str) -> Download:
    return Download(
        name=f"paper_{size}",
        summary=f"CLIP-Dissect's own {count} English words (data/{size}.txt)",
        licence=NO_LICENCE,
        path=f"concepts/paper_{size}.txt",
        url=f"{_CLIP_DISSECT}{size}.txt",
        size=length,
        sha256=sha256,
        checked_by=COMMIT,
        group="paper",
        use=f"concepts=paper_{size}",
    )


WORDS = (
    _words("3k", "3,000", 22_223,
           "425845cf228cf91200e25cbf0361cc078502ce1cc2f9d4558b29abe78096afe1"),
    _words("10k", "9,894", 75_153,
           "d6b3e04f1ac30be6525d41474166c0bff28486ecd8c48dcb0ab9c7c9cc05ed86"),
    _words("20k", "20,000", 155_418,
           "4ed6e5336d7760d281f7e72df31827da880c861363e820d8c65666b0f10d9ac0"),
    Download(
        name="paper_broden",
        summary="CLIP-Dissect's list of Broden labels (1,197 lines, 1,153 distinct)",
        licence=NO_LICENCE,
        path="concepts/broden_labels_clean.txt",
        url=f"{_CLIP_DISSECT}broden_labels_clean.txt",
        size=12_191,
        sha256="603036d4b138c66455e1285bd915f6cdcdf4728df7a5563843d1f89c9babe64b",
        checked_by=COMMIT,
        group="paper",
        use="concepts=paper_broden",
    ),
)  # fmt: skip
