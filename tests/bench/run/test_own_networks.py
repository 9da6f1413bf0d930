"""A user's own network that fails, or tells nothing, by itself: its cell says so and no other."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch

from bench.errors import LayerError
from bench.run.signal import read_signal

if TYPE_CHECKING:
    from collections.abc import Callable

NETS = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 8, stride=8)
        self.flat = nn.Conv2d(3, 4, 8, stride=8)
        self.one = nn.Conv2d(3, 4, 8, stride=8)
        self.all = nn.Conv2d(3, 4, 8, stride=8)
        with torch.no_grad():
            self.flat.weight.zero_()
            self.one.weight[2] = float("nan")
            self.all.bias.fill_(float("inf"))
    def forward(self, x):
        return self.conv(x), self.flat(x), self.one(x), self.all(x)

class Stops(Net):
    def forward(self, x):
        raise SystemExit(7)

class TwoInputs(Net):
    def forward(self, x, y):
        return self.conv(x) + y

def good(): return Net()
def scripted(): return torch.jit.script(nn.Sequential(nn.Conv2d(3, 4, 8)))
def exported(): return torch.export.export(nn.Conv2d(3, 4, 8), (torch.zeros(1, 3, 8, 8),))
def stops(): return Stops()
def two_inputs(): return TwoInputs()
def unbuilt(): raise SystemExit("not today")
def numbers(): return Net(), lambda image: 3
def lazy(): return nn.Sequential(nn.LazyConv2d(4, 8))
def meta(): return Net().to("meta")
"""

FAULTS = {
    "scripted": "before torch.jit.script",
    "exported": "returns an ExportedProgram",
    "stops": "SystemExit: 7",
    "two_inputs": "takes 2 inputs (x, y)",
    "unbuilt": "fails: SystemExit: not today",
    "numbers": "into a value of type int",
    "lazy": "the weight 0.weight has no values yet",
    "meta": "the weight conv.weight has no values yet",
}


@pytest.fixture
def own(here: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A finished run's working directory, from which the networks above can be imported."""
    monkeypatch.syspath_prepend(str(here))
    (here / "nets_of_a_test.py").write_text(NETS)
    return here


def records() -> dict[str, dict[str, Any]]:
    """The records of own networks, by function and layer."""
    found = {}
    for file in Path("results").rglob("record.json"):
        record = json.loads(file.read_text())
        if record["target"]["name"] == "callable":
            name = record["target"]["params"]["path"].partition(":")[2]
            found[f"{name} {record['target']['layer']}"] = record
    return found


OWN = ("target=callable", "target.truth.name=none")


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
def test_a_failing_network_stops_no_other(
    own: Path, run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    paths = ",".join(f"nets_of_a_test:{name}" for name in (*FAULTS, "good"))
    assert run("-m", *OWN, f"target.params.path={paths}", "target.layers=[conv]") == 1
    said = capsys.readouterr()
    assert "9 cells: 1 done, 8 failed" in said.out
    assert "Traceback" not in said.out + said.err
    found = records()
    assert found.pop("good conv")["status"] == "ok"
    for name, told in FAULTS.items():
        record = found[f"{name} conv"]
        assert record["status"] == "failed"
        assert told in record["error"]["message"]
        assert told in said.out


def test_layers_without_a_signal_are_called_what_they_are(
    own: Path, run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    (own / "truth.csv").write_text("unit,name\n0,sea\n1,forest\n")
    cell = (
        "target=callable", "target.params.path=nets_of_a_test:good",
        "target.layers=[conv,flat,one,all]", "target.truth_layer=flat", "target.truth.name=file",
        "target.truth.params.path=truth.csv",
    )  # fmt: skip
    assert run(*cell) == 1
    said = capsys.readouterr().out
    found = records()
    assert found["good conv"]["counts"]["dead"] == 0
    assert "non_finite" not in found["good conv"]["counts"]
    assert not [note for note in found["good conv"]["notes"] if "no signal" in note]
    flat, one = found["good flat"], found["good one"]
    assert (flat["counts"]["dead"], flat["target"]["dead_units"]) == (4, [0, 1, 2, 3])
    assert (one["counts"]["dead"], one["counts"]["non_finite"]) == (1, 1)
    assert one["target"]["dead_units"] == [2]
    for record, told in (
        (flat, "all 4 units of 'flat' are constant over the 48 images"),
        (one, "1 of 4 units of 'one' have NaN or infinite activations, on 48 of 48 images"),
    ):
        assert any(told in note for note in record["notes"])
        assert told in said
    told = "all 4 units of 'all' have NaN or infinite activations, on 48 of 48 images"
    assert found["good all"]["status"] == "failed"
    assert told in found["good all"]["error"]["message"]
    assert told in said
    shown = " ".join(said.split())
    assert "No score to show: every unit with a true name is dead" in shown
    assert "no true name" not in shown


def test_what_a_layer_tells_is_counted() -> None:
    nan, inf = float("nan"), float("inf")
    activations = torch.tensor([[1.0, 2.0, nan, 3.0], [1.0, 4.0, 0.0, inf], [1.0, 5.0, 0.0, 4.0]])
    signal = read_signal("layer", activations)
    assert signal.non_finite.tolist() == [False, False, True, True]
    assert signal.constant.tolist() == [True, False, False, False]
    assert signal.dead.tolist() == [True, False, True, True]
    [note] = signal.notes()
    assert "2 of 4 units" in note
    assert "on 2 of 3 images" in note
    signal.require_finite()
    notes = list(read_signal("layer", activations[:, [0, 2]]).notes())
    assert len(notes) == 2
    assert "units that are finite but constant over the 3 images: 1 of 2" in notes[1]
    with pytest.raises(LayerError, match="all 2 units"):
        read_signal("layer", activations[:, 2:]).require_finite()
