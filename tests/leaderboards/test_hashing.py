"""Hashes on disk never change: the golden ones were taken before the forms had one home."""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePosixPath
from types import MappingProxyType

import pytest

from bench.run.identity import describe_truth, label_key
from leaderboards.hashing import (
    canonical_json,
    page_hash,
    page_json,
    sha256_json,
    short_hash,
    words_sha256,
)
from metrics.truth import TrueName

VALUE = {"b": [1, 2.5, None, True], "a": {"é": "ü\n", "x": 1e-7}}
LOOSE = {"x": float("nan"), "p": PurePosixPath("a/b")}


def test_golden_hashes_of_keys() -> None:
    assert canonical_json(VALUE) == '{"a":{"x":1e-07,"é":"ü\\n"},"b":[1,2.5,null,true]}'
    digest = "964ec218be0703cb67c61b4b3d2e7d94ad29371a1c88aac4a5a93c5aa1e40757"
    assert sha256_json(VALUE) == sha256_json(MappingProxyType(VALUE)) == digest
    assert short_hash(VALUE) == digest[:16]
    words = "dbf403d501c91f7b1ed7dc6a93fc08ff1864700ebd305ba45593b6472ea19725"
    assert words_sha256(("cat", "café")) == words_sha256(["cat", "café"]) == words
    assert words_sha256(("café", "cat")) != words


def test_golden_hashes_of_pages() -> None:
    assert page_json(VALUE) == '{"a": {"x": 1e-07, "é": "ü\\n"}, "b": [1, 2.5, null, true]}'
    assert page_hash(VALUE) == "886d9b8f"
    assert page_hash(VALUE, 6) == "886d9b"
    assert page_json(LOOSE) == '{"p": "a/b", "x": NaN}'
    assert page_hash(LOOSE) == "e3c551aa"


def test_golden_keys_of_labels_and_truths() -> None:
    target = {"fingerprint": {"w": "a"}, "layer": "fc"}
    method = {"name": "m", "params": {"k": 5}, "version": 1}
    assert (
        label_key(method, target, {"sha256": "p"}, "c", {"weights": "e"}, 0) == "381197f912ed4b5d"
    )
    parts = label_key(method, target, {"sha256": "p"}, "c", None, 0, {"m": 1}, {"c": 2}, tf32=True)
    assert parts == "8be76e386a190ce4"
    dog = TrueName("dog, hound", ("dog", "hound"), ("animal",), "seen", ("a dog",), ("doggy",))
    truth = describe_truth("t", {0: TrueName("cat", ("cat",)), 3: dog})
    assert truth == {"name": "t", "units": 2, "hash": "f13f2777f357005d"}
    several = replace(dog, concepts=("dog", "red"))
    assert describe_truth("t", {3: several})["hash"] != describe_truth("t", {3: dog})["hash"]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object(), {1, 2}])
def test_a_key_guesses_nothing(value: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        canonical_json({"a": value})
