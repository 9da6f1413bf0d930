"""Arithmetic of networks: TF32 is off unless asked for, and asked for it is part of the keys."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from baselines.spatial import ExemplarRule
from bench.evidence import EvidenceRequest, exemplar_keys, segments
from bench.networks.execution import Execution
from bench.networks.layout import PLAIN
from bench.networks.precision import set_precision
from bench.parts.encoders import GlyphsEncoder
from bench.parts.probes import GlyphsProbe
from bench.parts.segmenters import GlyphsSegmenter
from bench.parts.targets import GlyphsTarget
from bench.run.keys import label_key, short_hash

Flags = tuple[str, bool, bool]


def flags() -> Flags:
    backends = torch.backends
    return (
        torch.get_float32_matmul_precision(),
        bool(backends.cuda.matmul.allow_tf32),
        bool(backends.cudnn.allow_tf32),
    )


@pytest.fixture(params=[("highest", True), ("medium", False)])
def before(request: pytest.FixtureRequest) -> Any:
    """What a process may have set before, and finds again."""
    kept = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    products, convolutions = request.param
    torch.set_float32_matmul_precision(products)
    torch.backends.cudnn.allow_tf32 = convolutions
    yield flags()
    torch.set_float32_matmul_precision(kept[0])
    torch.backends.cudnn.allow_tf32 = kept[1]


@pytest.mark.parametrize("device", ["cuda", "cuda:1"])
def test_both_switches_are_set_and_set_back(device: str, before: Flags) -> None:
    with set_precision(device):
        assert flags() == ("highest", False, False)
        with set_precision(device, tf32=True):
            assert flags() == ("high", True, True)
            # A reading of maps inside a pass leaves what was set around it.
            with set_precision(device):
                assert flags() == ("highest", False, False)
            assert flags() == ("high", True, True)
        assert flags() == ("highest", False, False)
    assert flags() == before
    with pytest.raises(KeyError), set_precision(device, tf32=True):
        raise KeyError
    assert flags() == before


@pytest.mark.parametrize("tf32", [False, True])
def test_the_cpu_has_no_such_switches(tf32: bool, before: Flags) -> None:
    with set_precision("cpu", tf32=tf32):
        assert flags() == before


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_mixed_precision_by_name(precision: str) -> None:
    table = torch.rand(4, 4)
    with set_precision("cpu", precision):
        assert (table @ table).dtype == getattr(torch, precision)
    assert (table @ table).dtype == torch.float32


def keys(*, tf32: bool) -> list[dict[str, Any]]:
    target, probe = GlyphsTarget("objects"), GlyphsProbe(size=2)
    execution = Execution(tf32=tf32)
    request = EvidenceRequest(
        target, ["fc"], probe, GlyphsEncoder(), execution=execution, maps=True
    )
    return [
        *request.keys({"fc": PLAIN}),
        *exemplar_keys(request, "fc", PLAIN, ExemplarRule(1, 0.9), 1, n_units=1),
        segments._key(GlyphsSegmenter(), probe, execution),
    ]


def test_evidence_under_tf32_has_keys_of_its_own() -> None:
    exact, rounded = keys(tf32=False), keys(tf32=True)
    kinds = [key["kind"] for key in exact]
    assert sorted(kinds) == sorted(
        ["activations", "maps", "image_embeddings", "exemplars", "exemplar_masks", "segments"]
    )
    assert not any("tf32" in key for key in exact)
    assert rounded == [{**key, "tf32": True} for key in exact]


def test_labels_under_tf32_have_a_key_of_their_own() -> None:
    parts: dict[str, Any] = {
        "method": {"name": "m"}, "target": {"layer": "fc"}, "probe": {"n": 1}, "concepts": "c",
        "encoder": None, "seed": 0,
    }  # fmt: skip
    assert label_key(**parts) == label_key(**parts, tf32=False) == short_hash(parts)
    assert label_key(**parts, tf32=True) == short_hash({**parts, "tf32": True})
