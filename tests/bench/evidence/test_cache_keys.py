"""Each part of a key, changed where it comes from: the cache must miss."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from PIL import Image

from bench.evidence import EvidenceRequest, Store, gather, gather_pass, model_cache, text_embeddings
from bench.evidence import request as request_module
from bench.evidence import store as store_module
from bench.evidence import text as text_module
from bench.evidence.inventory import list_entries
from bench.networks import forward
from bench.networks.execution import Execution
from bench.networks.layout import LayoutSettings
from bench.networks.loaded import LoadedTarget
from bench.parts.protocols import LoadedEncoder
from bench.timing import Timer

NETWORK = {"arch": "tiny", "weights": "w", "transform": {"size": 4, "mean": [0.5]}}
ENCODER = {"weights": "e", "text_tower": "t", "precision": "float32", "transform": "a",
           "templates": ["{}"], "config": "c"}  # fmt: skip
PROBE = {"kind": "tiny", "sha256": "p"}
WORDS = ("sea", "sand")


def to_tensor(image):
    return torch.from_numpy(np.asarray(image, dtype=np.float32)).permute(2, 0, 1)


@dataclass(frozen=True)
class Part:
    summary: ClassVar[str] = "test"
    identity: dict[str, Any] = field(default_factory=dict)
    n: int = 5

    def fingerprint(self):
        return self.identity

    def __len__(self):
        return self.n


class TinyProbe(Part):
    def image(self, index):
        return Image.fromarray(np.full((4, 4, 3), index, dtype=np.uint8))


class TinyTarget(Part):
    def load(self, device):
        net = torch.nn.Sequential(torch.nn.Conv2d(3, 2, 1), torch.nn.Conv2d(2, 3, 1))
        return LoadedTarget(net.eval(), to_tensor)


class TinyEncoder(Part):
    def load(self, device):
        return LoadedEncoder(
            to_tensor,
            lambda images: images.mean(dim=(2, 3)),
            lambda texts: torch.ones(len(texts), 3),
        )


@pytest.fixture(autouse=True)
def _fresh():
    model_cache._models.clear()


def with_change(identity, path, value):
    """A copy of a fingerprint with one value, maybe a deep one, changed."""
    name, *rest = path
    return {**identity, name: with_change(identity[name], rest, value) if rest else value}


def found(
    root,
    *,
    target=NETWORK,
    encoder=None,
    probe=PROBE,
    n=5,
    layer="0",
    precision="float32",
    tf32=False,
    maps=False,
):
    request = EvidenceRequest(
        TinyTarget(target), [layer] if target else [], TinyProbe(probe, n),
        TinyEncoder(encoder) if encoder else None, LayoutSettings("avg"),
        Execution(precision=precision, tf32=tf32, progress=False), maps,
    )  # fmt: skip
    return gather(request, store=Store(root), timer=Timer()).cached


@pytest.mark.parametrize(
    "change",
    [
        {"target": with_change(NETWORK, ["weights"], "v")},
        {"target": with_change(NETWORK, ["arch"], "other")},
        {"target": with_change(NETWORK, ["transform", "size"], 5)},
        {"target": with_change(NETWORK, ["transform", "mean"], [0.4])},
        {"layer": "1"},
        {"probe": with_change(PROBE, ["sha256"], "q")},
        {"n": 4},
        {"precision": "bfloat16"},
        {"tf32": True},
    ],
    ids=str,
)
@pytest.mark.parametrize("maps", [False, True])
def test_activations_of_anything_else_are_not_found(tmp_path, change, maps):
    assert not found(tmp_path, maps=maps)
    assert found(tmp_path, maps=maps)
    assert not found(tmp_path, maps=maps, **change)
    assert found(tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        {"encoder": with_change(ENCODER, ["weights"], "v")},
        {"encoder": with_change(ENCODER, ["transform"], "b")},
        {"encoder": with_change(ENCODER, ["precision"], "float16")},
        {"encoder": with_change(ENCODER, ["config"], "d")},
        {"tf32": True},
        {"probe": with_change(PROBE, ["sha256"], "q")},
        {"n": 4},
    ],
    ids=str,
)
def test_image_embeddings_of_anything_else_are_not_found(tmp_path, change):
    base = {"target": None, "encoder": ENCODER}
    assert not found(tmp_path, **base)
    assert found(tmp_path, **base)
    assert not found(tmp_path, **{**base, **change})
    assert found(tmp_path, **base)


def test_every_network_of_a_pass_runs_with_the_requested_precision(tmp_path, monkeypatch):
    told = []

    def noted(*arguments, tf32):
        told.append((*arguments, tf32))
        return nullcontext()

    for module in (gather_pass, forward):
        monkeypatch.setattr(module, "set_precision", noted)
    found(tmp_path, encoder=ENCODER, precision="bfloat16", tf32=True)
    assert sorted(told, key=len) == [("cpu", True), ("cpu", "bfloat16", True)]


def test_other_prompts_leave_image_embeddings_as_they_are(tmp_path):
    found(tmp_path, target=None, encoder=ENCODER)
    other = with_change(ENCODER, ["templates"], ["a photo of {}"])
    assert found(tmp_path, target=None, encoder=other)


def embedded(root, encoder=ENCODER, words=WORDS):
    found = text_embeddings(TinyEncoder(encoder), words, store=Store(root), timer=Timer())
    return found.cached


@pytest.mark.parametrize(
    "change",
    [
        {"encoder": with_change(ENCODER, ["weights"], "v")},
        {"encoder": with_change(ENCODER, ["text_tower"], "v")},
        {"encoder": with_change(ENCODER, ["precision"], "float16")},
        {"encoder": with_change(ENCODER, ["templates"], ["a photo of {}"])},
        {"encoder": with_change(ENCODER, ["templates"], ["{}", "a {}"])},
        {"words": ("sea", "sank")},
        {"words": ("sand", "sea")},
        {"words": ("sea",)},
        {"words": ("seasand",)},
    ],
    ids=str,
)
def test_text_embeddings_of_anything_else_are_not_found(tmp_path, change):
    assert not embedded(tmp_path)
    assert embedded(tmp_path)
    assert not embedded(tmp_path, **change)
    assert embedded(tmp_path)


def test_newer_code_does_not_believe_what_older_code_made(tmp_path, monkeypatch):
    found(tmp_path, encoder=ENCODER)
    embedded(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(request_module, "EXTRACTOR_VERSION", 10**6)
        assert not found(tmp_path)
        assert not found(tmp_path, target=None, encoder=ENCODER)
        patch.setattr(text_module, "EXTRACTOR_VERSION", 10**6)
        assert not embedded(tmp_path)
        patch.setattr(store_module, "LAYOUT", 10**6)
        assert not found(tmp_path)
        assert not embedded(tmp_path)
    assert found(tmp_path, encoder=ENCODER)
    assert embedded(tmp_path)


def test_activations_of_another_pooling_are_not_found(tmp_path):
    found(tmp_path)
    [kept] = list_entries(tmp_path)
    key = {name: value for name, value in kept.manifest["parts"].items() if name != "layout"}
    assert (key["precision"], key["pooling"]) == ("float32", ["avg", "max"])
    assert Store(tmp_path).entry(key).complete
    assert not Store(tmp_path).entry({**key, "pooling": ["avg"]}).complete
