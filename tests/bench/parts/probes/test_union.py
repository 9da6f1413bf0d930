"""Several probe sets as one: order, nested limits, and what is said of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from bench.broden import BrodenLabel, MaskedImage, write_broden
from bench.errors import UserError
from bench.parts.catalog import PROBES
from bench.parts.probes import FolderProbe, UnionProbe
from bench.parts.probes.union import proportional
from bench.parts.protocols import LabelledProbe, Probe, SegmentedProbe
from bench.run.identity import params_of

SIZES = (12, 3, 7)


@pytest.fixture
def parts(tmp_path):
    """Two folders and a Broden tree; every image has a level of its own."""
    level = iter(range(1, 200))

    def image():
        return Image.fromarray(np.full((8, 8, 3), next(level), np.uint8))

    specs = []
    for name, size in zip("ab", SIZES[:2], strict=True):
        (tmp_path / name).mkdir()
        for index in range(size):
            image().save(tmp_path / name / f"{index}.png")
        specs.append({"name": "folder", "params": {"path": str(tmp_path / name)}})
    tree = tmp_path / "tree"
    images = [
        MaskedImage(f"{n}", {"object": [np.ones((4, 4), int)]}, image()) for n in range(SIZES[2])
    ]
    write_broden(tree, images, [BrodenLabel(1, "a", "object")], ["object"], mask_size=(4, 4))
    return [*specs, {"name": "broden", "params": {"path": str(tree)}}]


def levels(probe):
    return [probe.image(index).getpixel((0, 0))[0] for index in range(len(probe))]


def plain(spec):
    return PROBES.build(spec["name"], spec["params"])


def test_the_parts_follow_each_other(parts):
    union = PROBES.build("union", {"of": parts})
    assert isinstance(union, Probe)
    assert not isinstance(union, SegmentedProbe)
    assert not isinstance(union, LabelledProbe)
    assert isinstance(hash(union), int)
    assert levels(union) == [level for spec in parts for level in levels(plain(spec))]
    assert levels(UnionProbe(tuple(parts[::-1])))[: SIZES[2]] == levels(plain(parts[2]))
    for index in (-1, len(union)):
        with pytest.raises(IndexError):
            union.image(index)


@pytest.mark.parametrize("limit", [1, 2, 5, 11, 21, 22, 99])
def test_a_limit_takes_the_first_of_every_part(parts, limit):
    union = UnionProbe(tuple(parts), limit)
    assert len(union) == min(limit, sum(SIZES))
    shares = proportional(SIZES, limit)
    wanted = [
        level
        for spec, share in zip(parts, shares, strict=True)
        for level in levels(plain(spec))[:share]
    ]
    assert levels(union) == wanted
    larger = UnionProbe(tuple(parts), limit + 1)
    assert set(levels(union)) <= set(levels(larger))


@settings(deadline=None)
@given(
    sizes=st.lists(st.integers(1, 60), min_size=1, max_size=5), data=st.data()
)  # fmt: skip
def test_shares_are_nested_and_in_proportion(sizes, data):
    total = sum(sizes)
    limit = data.draw(st.integers(1, total))
    shares = proportional(sizes, limit)
    assert sum(shares) == limit
    assert all(0 <= share <= size for share, size in zip(shares, sizes, strict=True))
    more = proportional(sizes, limit + 1)
    assert all(one <= other for one, other in zip(shares, more, strict=True))
    assert proportional(sizes, None) == proportional(sizes, total + 3) == sizes
    # Webster's method: no seat could go from one part to another with a better claim to it.
    claims = [(2 * share + 1) * total for share in shares]
    for i, mine in enumerate(shares):
        for j, theirs in enumerate(sizes):
            if mine and i != j and shares[j] < theirs:
                assert (2 * mine - 1) * theirs * total <= claims[j] * sizes[i] * (1 + 1e-9)


def test_two_parts_share_as_their_sizes_do():
    for limit in (1, 10, 1000, 50_000, 100_000):
        one, other = proportional([50_000, 63_305], limit)
        assert abs(one - limit * 50_000 / 113_305) <= 1
        assert one + other == limit


def test_the_fingerprint_follows_parts_order_and_limit(parts, tmp_path):
    prints = [
        UnionProbe(tuple(parts)).fingerprint(),
        UnionProbe(tuple(parts[::-1])).fingerprint(),
        UnionProbe(tuple(parts[:2])).fingerprint(),
        UnionProbe(tuple(parts), 21).fingerprint(),
        UnionProbe(tuple(parts), 20).fingerprint(),
    ]
    assert all(prints.count(one) == 1 for one in prints)
    assert str(tmp_path) not in str(prints)
    assert UnionProbe(tuple(parts), 99, title="x").fingerprint() == prints[0]
    # What is not used decides nothing, and is not looked at.
    few = UnionProbe(tuple(parts), 4)
    before = few.fingerprint()
    unused = FolderProbe(parts[0]["params"]["path"]).names[-1]
    (tmp_path / "a" / unused).write_bytes(b"another")
    assert UnionProbe(tuple(parts), 4).fingerprint() == before
    assert UnionProbe(tuple(parts)).fingerprint() != prints[0]


def test_parts_without_a_limit_of_their_own_are_cut_too(parts):
    glyphs = {"name": "glyphs", "params": {"size": 4}}
    union = UnionProbe((parts[1], glyphs), 3)
    assert len(union) == 3
    sizes = [union.image(index).size for index in range(3)]
    assert sizes == [(8, 8), (128, 128), (128, 128)]
    nested = UnionProbe(({"name": "union", "params": {"of": parts[:2]}}, parts[2]), 9)
    assert len(set(levels(nested))) == 9


def test_a_record_tells_choices_as_they_were_given(parts):
    union = UnionProbe(("cifar100_val", parts[0]), title="mine")
    assert params_of(union) == {"title": "mine", "of": ["cifar100_val", parts[0]], "limit": None}
    assert list(params_of(UnionProbe(("cifar100_val",)))) == ["of", "limit"]


def test_unreadable_images_of_the_parts_are_told(parts, tmp_path):
    (tmp_path / "a" / "bad.png").write_text("no image")
    skipping = {"name": "folder", "params": {**parts[0]["params"], "on_error": "skip"}}
    union = UnionProbe((skipping, parts[1]))
    assert (len(union), union.on_error, union.skipped()) == (15, "skip", ("bad.png",))
    assert "bad.png" in union.notes()[0]
    assert UnionProbe((parts[1], parts[2])).on_error == "fail"
    small = UnionProbe((skipping, parts[1]), 14)
    assert len(levels(small)) == 14


@pytest.mark.parametrize("of", [(), ("",), (3,), ({"params": {}},)])
def test_what_is_no_choice_is_refused(of):
    with pytest.raises(UserError):
        UnionProbe(of)
    with pytest.raises(UserError):
        UnionProbe(("cifar100_val",), limit=0)


def test_an_unknown_part_names_the_nearest():
    with pytest.raises(UserError) as caught:
        len(UnionProbe(("cifar100_vall",)))
    assert "cifar100_val" in caught.value.valid
    assert caught.value.where == "probe.params.of"


def test_a_part_that_cannot_be_cut_gives_its_first_images_and_is_no_member(parts):
    # Evidence on the whole part would be of more images than the union has.
    of = ({"name": "glyphs", "params": {"size": 20}}, parts[0])
    cut, more, whole = (UnionProbe(of, limit=limit) for limit in (8, 11, None))
    assert not cut.members
    assert [len(part) for part in whole.members] == [20, 12]
    assert len(cut) == 8
    first, _ = cut.fingerprint()["of"]
    again, _ = more.fingerprint()["of"]
    assert first[0] == again[0]
    assert [first[1], again[1]] == [5, 7]
