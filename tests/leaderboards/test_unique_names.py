"""Names that tell parts apart."""

from __future__ import annotations

import pytest

from leaderboards.unique_names import Item, unique_names

PROBE = {"variant": "val", "size": 4000}


@pytest.mark.parametrize(
    ("items", "names"),
    [
        ([Item("glyphs", 0, "a", PROBE, 4000)], ["glyphs val"]),
        ([Item("wordfreq", 0, "a", {"n": 3000}, 3000)], ["wordfreq"]),
        ([Item("folder", 0, "a", {"path": "/home/me/val/"})], ["folder val"]),
        ([Item("broden", 0, "a", {"index": "index.csv", "path": "b/tree"})], ["broden tree"]),
        (
            [Item("glyphs", 0, "a", PROBE), Item("glyphs", 0, "b", {**PROBE, "variant": "half"})],
            ["glyphs val", "glyphs half"],
        ),
        (
            [
                Item("torchvision", 0, "a", {"arch": "resnet18", "file": "a/one.pth"}),
                Item("torchvision", 0, "b", {"arch": "resnet18", "file": "b/two.pth"}),
            ],
            ["torchvision resnet18 one.pth", "torchvision resnet18 two.pth"],
        ),
        (
            [Item("file", 0, "a", {"path": "words.txt"}, n) for n in (5, 5)],
            ["file words.txt", "file words.txt"],
        ),
        (
            [Item("file", 0, i, {"path": "words.txt"}, n) for i, n in (("a", 5), ("b", 7))],
            ["file words.txt (n=5)", "file words.txt (n=7)"],
        ),
        (
            [Item("file", 0, i * 8, {"path": "words.txt"}, 5) for i in "ab"],
            ["file words.txt #aaaaaa", "file words.txt #bbbbbb"],
        ),
        ([Item("m", 0, "a", {"k": 1}), Item("m", 0, "b", {"k": 2})], ["m k=1", "m k=2"]),
        (  # an offset is named although it equals the size
            [
                Item("glyphs", 0, "a", PROBE, 4000),
                Item("glyphs", 0, "b", {**PROBE, "offset": 4000}, 4000),
            ],
            ["glyphs val", "glyphs val offset=4000"],
        ),
        ([Item("m", 0, "a", {"k": 1}), Item("m", 1, "b", {"k": 2})], ["m", "m"]),
    ],
)
def test_names(items: list[Item], names: list[str]) -> None:
    """Different things of one scope read differently, one thing reads alike."""
    assert unique_names(items) == names


def test_order_changes_no_name() -> None:
    """A thing under two paths has one name, whichever record comes first."""
    items = [Item("file", 0, "a", {"path": path}) for path in ("y.txt", "x.txt")]
    assert unique_names(items) == unique_names(items[::-1]) == ["file x.txt"] * 2
