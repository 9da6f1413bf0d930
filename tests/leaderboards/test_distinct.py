"""Names that tell parts apart."""

from __future__ import annotations

import pytest

from leaderboards.distinct import Named, tell_apart

PROBE = {"variant": "val", "size": 4000}


@pytest.mark.parametrize(
    ("items", "names"),
    [
        ([Named("glyphs", 0, "a", PROBE, 4000)], ["glyphs val"]),
        ([Named("wordfreq", 0, "a", {"n": 3000}, 3000)], ["wordfreq"]),
        ([Named("folder", 0, "a", {"path": "/home/me/val/"})], ["folder val"]),
        ([Named("broden", 0, "a", {"index": "index.csv", "path": "b/tree"})], ["broden tree"]),
        (
            [Named("glyphs", 0, "a", PROBE), Named("glyphs", 0, "b", {**PROBE, "variant": "half"})],
            ["glyphs val", "glyphs half"],
        ),
        (
            [
                Named("torchvision", 0, "a", {"arch": "resnet18", "file": "a/one.pth"}),
                Named("torchvision", 0, "b", {"arch": "resnet18", "file": "b/two.pth"}),
            ],
            ["torchvision resnet18 one.pth", "torchvision resnet18 two.pth"],
        ),
        (
            [Named("file", 0, "a", {"path": "words.txt"}, n) for n in (5, 5)],
            ["file words.txt", "file words.txt"],
        ),
        (
            [Named("file", 0, i, {"path": "words.txt"}, n) for i, n in (("a", 5), ("b", 7))],
            ["file words.txt (n=5)", "file words.txt (n=7)"],
        ),
        (
            [Named("file", 0, i * 8, {"path": "words.txt"}, 5) for i in "ab"],
            ["file words.txt #aaaaaa", "file words.txt #bbbbbb"],
        ),
        ([Named("m", 0, "a", {"k": 1}), Named("m", 0, "b", {"k": 2})], ["m k=1", "m k=2"]),
        ([Named("m", 0, "a", {"k": 1}), Named("m", 1, "b", {"k": 2})], ["m", "m"]),
    ],
)
def test_names(items: list[Named], names: list[str]) -> None:
    """Different things of one scope read differently, one thing reads alike."""
    assert tell_apart(items) == names


def test_order_changes_no_name() -> None:
    """A thing under two paths has one name, whichever record comes first."""
    items = [Named("file", 0, "a", {"path": path}) for path in ("y.txt", "x.txt")]
    assert tell_apart(items) == tell_apart(items[::-1]) == ["file x.txt"] * 2
