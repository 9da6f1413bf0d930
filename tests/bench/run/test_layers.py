"""Layers of one request that can and cannot be read, and what the records say of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

CELLS = Path("results/local/clip_dissect")
NETWORK = '''
import torch
from torch import nn

class Net(nn.Module):
    """Patches with a class token, windows of them, and one activation for two layers."""

    def __init__(self):
        super().__init__()
        self.patch = nn.Conv2d(3, 6, 56, stride=56)
        self.cls_token = nn.Parameter(torch.randn(1, 1, 6))
        self.drop = nn.Dropout(0.0)
        self.window = nn.Linear(6, 6)
        self.relu = nn.ReLU()
        self.block = nn.TransformerEncoderLayer(6, 2, 12, batch_first=True)
        self.norm = nn.LayerNorm(6)

    def forward(self, x):
        x = self.patch(x).flatten(2).transpose(1, 2)
        x = self.relu(self.window(x.reshape(-1, 4, 6)).reshape(len(x), 16, 6))
        x = self.relu(self.drop(torch.cat([self.cls_token.expand(len(x), -1, -1), x], 1)))
        x = self.norm(self.block(x))
        return x[:, 0].reshape(len(x), 1, 1, 6).permute(0, 3, 1, 2)
'''


@pytest.fixture
def request_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Callable[..., int]
) -> Callable[..., int]:
    """A run of the network's layers in a new working directory."""
    (tmp_path / "patched.py").write_text(NETWORK, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))

    def asked(layers: str, *more: str) -> int:
        own = ("target=callable", "target.params.path=patched:Net", "runtime.batch_size=16")
        return run(*own, f"target.layers=[{layers}]", *more)

    return asked


def records() -> dict[str, dict[str, Any]]:
    """Every record by its layer."""
    found = [json.loads((folder / "record.json").read_text()) for folder in CELLS.iterdir()]
    return {record["target"]["layer"]: record for record in found}


def test_a_layer_that_cannot_be_read_fails_alone(
    request_of: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    # Of `window` that is known beforehand; of `drop` when the first images have been seen.
    assert request_of("patch,window,drop,norm") == 1
    said = capsys.readouterr()
    assert "4 cells: 2 done, 2 failed" in said.out
    assert "layer 'window' gives a tensor of shape [8, 4, 6]" in said.out
    found = records()
    assert {layer: record["status"] for layer, record in found.items()} == {
        "patch": "ok", "window": "failed", "drop": "failed", "norm": "ok",
    }  # fmt: skip
    assert "counts images times 4" in found["window"]["error"]["message"]
    assert "is equal for all 16 images" in found["drop"]["error"]["message"]
    assert request_of("drop", "target.pooling=avg") == 0


def test_the_record_says_how_a_layer_was_read(
    request_of: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert request_of("patch,norm,relu:0") == 0
    found = {layer: record["target"] for layer, record in records().items()}
    told = {
        layer: [target.get(name) for name in ("axes", "pooling", "prefix_tokens", "call", "calls")]
        for layer, target in found.items()
    }
    assert told == {
        "patch": ["BUHW", "avg", None, 0, 1],
        "norm": ["BTU", "cls", 1, 0, 1],
        "relu:0": ["BTU", "avg", 0, 0, 2],
    }
    assert request_of("norm", "target.pooling=max") == 0
    capsys.readouterr()
    assert request_of("relu") == 1  # call 1 holds the class token, which nothing was mixed into
    assert request_of("relu", "target.pooling=avg") == 0
    note = "relu runs 2 times a pass; call 1, the last, is described; name another as relu:0"
    assert note in capsys.readouterr().err
    assert note in records()["relu"]["notes"]


def test_settings_that_are_wrong_are_refused(
    request_of: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    for setting in (
        "target.axes=BUX",
        "target.prefix_tokens=-1",
        "target.pooling=first",
        "runtime.channels_last=maybe",
    ):
        assert request_of("patch", setting) == 2
        assert setting.partition("=")[0] in capsys.readouterr().err
    assert request_of("norm", "target.axes={norm: BTU}", "runtime.channels_last=false") == 0
    assert request_of("patches") == 2
    assert "no layer 'patches'" in capsys.readouterr().err
