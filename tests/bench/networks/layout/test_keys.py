"""Keys of layers that were read right stay as they are; others get their own."""

from __future__ import annotations

import json
import tarfile
from functools import partial
from pathlib import Path

import pytest
from torch import nn

from bench.errors import LayerError
from bench.evidence import Store
from bench.evidence import layouts as known
from bench.evidence.layouts import layouts_of
from bench.networks.layout import PLAIN, Layout, LayoutSettings
from bench.parts.targets import GlyphsTarget, TorchvisionTarget
from bench.parts.targets.torchvision_models import PLAIN as PLAIN_NAMES
from tests.bench.networks.layout.networks import ChannelsLast, Given, Tokens, evidence

ROOT = Path(__file__).resolve().parents[4]


@pytest.mark.parametrize(
    ("layout", "part"),
    [
        (PLAIN, {}),
        (Layout("BU"), {}),
        (Layout("BUHW", "max"), {}),
        (Layout("BTU", "cls", 1), {}),
        (Layout("BTU", "avg", shape=(0, 1, 8)), {}),
        (Layout("BTU", "avg", 1, shape=(0, 5, 8)), {"axes": "BTU", "prefix_tokens": 1}),
        (Layout("BTU", "max", shape=(0, 4, 8)), {"axes": "BTU", "prefix_tokens": 0}),
        (Layout("TBU", "cls", 1), {"axes": "TBU", "token": "class"}),
        (Layout("BHWU"), {"axes": "BHWU"}),
    ],
)
def test_only_what_was_read_otherwise_stands_in_the_key(
    layout: Layout, part: dict[str, object]
) -> None:
    assert layout.key_part() == ({"reading": part} if part else {})


def test_a_class_token_keeps_the_name_that_it_had() -> None:
    assert Layout("BTU", "cls", 1).key_pooling == "avg"
    assert Layout("BU", "max").key_pooling == "max"


def test_maps_of_tokens_are_kept_for_each_pooling() -> None:
    first, second = (Layout("BTU", pooling, shape=(0, 4, 8)) for pooling in ("avg", "max"))
    assert first.maps_key_part() != second.maps_key_part()
    assert Layout("BUHW", "max").maps_key_part() == Layout("BUHW").maps_key_part() == {}


def test_the_key_of_a_committed_record_is_made_again() -> None:
    from bench.run.keys import label_key

    with tarfile.open(ROOT / "leaderboards/imagenet_squeezenet/records.tar.xz") as archive:
        texts = [
            archive.extractfile(member).read()  # type: ignore[union-attr]
            for member in archive
            if member.name.endswith("record.json")
        ]
    records = [json.loads(text) for text in texts]
    record = next(r for r in records if r["method"]["name"] == "clip_dissect")
    layer = record["target"]["layer"]
    target = TorchvisionTarget("squeezenet1_1", weights="IMAGENET1K_V1")
    [layout] = layouts_of(target, [layer], LayoutSettings(), None).values()
    assert isinstance(layout, Layout)
    told = record["target"]
    key = label_key(
        {name: record["method"][name] for name in ("name", "params", "version")},
        {
            "fingerprint": told["fingerprint"],
            "layer": told["layer"],
            "pooling": layout.key_pooling,
            "precision": told["precision"],
            **layout.key_part(),
        },
        record["probe"]["fingerprint"],
        record["concepts"]["sha256"],
        record["encoder"]["fingerprint"],
        record["seed"],
    )
    assert key == record["key"]


def test_plain_networks_are_known_without_torch() -> None:
    assert GlyphsTarget.plain_layers
    for arch in ("resnet18", "wide_resnet50_2", "vgg16_bn", "inception_v3", "alexnet", "googlenet"):
        assert PLAIN_NAMES.match(f"{arch}_"), arch
    for arch in ("vit_b_16", "swin_t", "swin_v2_t", "convnext_tiny", "maxvit_t"):
        assert not PLAIN_NAMES.match(f"{arch}_"), arch


def test_findings_are_kept_beside_the_evidence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads: list[str] = []

    class Counted(Given):
        def load(self, device: str) -> object:
            loads.append(device)
            return super().load(device)

    target = Counted(ChannelsLast, "kept")
    for _ in range(2):
        monkeypatch.setattr(known, "_known", {})
        [found] = layouts_of(target, ["norm"], LayoutSettings(), tmp_path).values()
        assert found.axes == "BHWU"
    assert loads == ["cpu"]
    monkeypatch.setattr(known, "FINDER_VERSION", 10**6)
    layouts_of(target, ["norm"], LayoutSettings(), tmp_path)
    assert loads == ["cpu", "cpu"]


def test_each_reading_has_evidence_of_its_own(tmp_path: Path) -> None:
    build = partial(Tokens, cls=1)
    store = Store(tmp_path)
    first = evidence(build, "shared", "block", store=store)
    assert not evidence(build, "shared", "block", pooling="avg", store=store).cached
    assert evidence(build, "shared", "block", pooling="max", store=store).cached
    assert evidence(build, "shared", "block", pooling="cls", store=store).cached
    assert first.layouts["block"].pooling == "cls"


def test_a_network_that_is_otherwise_with_its_weights_is_refused() -> None:
    class Other(Given):
        def untrained(self) -> object:
            return Given(ChannelsLast, "untrained").load("cpu")

    class Turned(ChannelsLast):
        def __init__(self) -> None:
            super().__init__()
            self.norm = nn.Sequential(nn.LayerNorm(6), Turn())  # type: ignore[assignment]
            self.act = nn.GELU()

        def forward(self, x: object) -> object:
            return self.norm(self.conv(x).permute(0, 2, 3, 1)).mean((2, 3))

    class Turn(nn.Module):
        def forward(self, x: object) -> object:
            return x.permute(0, 3, 1, 2)  # type: ignore[attr-defined]

    from bench.evidence import EvidenceRequest, gather
    from bench.timing import Timer
    from tests.bench.evidence.tiny import TinyProbe

    target = Other(Turned, "turned")
    with pytest.raises(LayerError, match=r"read as BUHW .* and as BHWU"):
        gather(EvidenceRequest(target, ["norm"], TinyProbe(4)), store=Store(None), timer=Timer())
