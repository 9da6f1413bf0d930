"""The papers' tables on small files of the real formats, with random weights.

Words, encoder and judges are the embedded ones, their text models made up: the published word lists
and models are known by their hashes, which no small file has.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
import torchvision
from omegaconf import OmegaConf
from PIL import Image

from bench.__main__ import main
from bench.config.compose import expand
from bench.parts.choice import CONF
from leaderboards.reproduction import choices_of
from leaderboards.storage import find_records
from tests.bench.broden.tree_made import write_tree
from tests.bench.parts.probes.cifar_made import write_cifar100

if TYPE_CHECKING:
    from pathlib import Path

    from leaderboards.record import Record

pytestmark = pytest.mark.usefixtures("made_up_texts")

SYNSETS = ("n01440764", "n02119789", "n15075141")
OURS = ("encoder=glyphs", "scoring=minilm", "runtime.progress=false", "runtime.maps_limit_gb=0.1")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A machine that has fetched everything that a small file can stand for."""
    root = tmp_path_factory.mktemp("files")
    data = root / "data"
    for number, synset in enumerate(SYNSETS * 2):
        folder = data / "imagenet_val" / synset
        folder.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(number).integers(0, 256, (40, 48, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"ILSVRC2012_val_{number + 1:08d}.JPEG")
    write_tree(data / "broden1_224")
    write_cifar100(data / "cifar100", train=6)
    torch.manual_seed(0)
    checkpoints = root / "torch" / "hub" / "checkpoints"
    checkpoints.mkdir(parents=True)
    imagenet = torchvision.models.resnet50()
    torch.save(imagenet.state_dict(), checkpoints / "resnet50-0676ba61.pth")
    places = torchvision.models.resnet18(num_classes=365).state_dict()
    (data / "weights").mkdir()
    torch.save(
        {"arch": "resnet18", "state_dict": {f"module.{name}": v for name, v in places.items()}},
        data / "weights" / "resnet18_places365.pth.tar",
    )
    return root


@pytest.fixture(autouse=True)
def this_machine(files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISSECTBENCH_DATA", str(files / "data"))
    monkeypatch.setenv("DISSECTBENCH_CACHE", str(files / "cache"))
    monkeypatch.setenv("DISSECTBENCH_OFFLINE", "1")
    monkeypatch.setenv("TORCH_HOME", str(files / "torch"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(files / "hub"))
    monkeypatch.chdir(tmp_path)


def ran(name: str, *overrides: str) -> list[tuple[Record, list[dict[str, Any]]]]:
    """Each record of an experiment's possible cells, with its scores files."""
    assert main(["run", "--possible", f"experiment={name}", *OURS, *overrides]) == 0
    from pathlib import Path

    found = find_records(Path("results") / name)
    assert not found.problems
    return [
        (record, [json.loads(file.read_text()) for file in sorted(folder.glob("scores/*.json"))])
        for folder, record in found.records
    ]


@pytest.mark.parametrize("name", ["table1", "table2", "table3", "table4", "a6"])
def test_networks_run_with_the_authors_precision(name: str) -> None:
    file = OmegaConf.load(CONF / "experiment" / f"paper_{name}.yaml")
    assert file.target.precision == "float32"
    [chosen] = [own["override /encoder"] for own in file.defaults if "override /encoder" in own]
    assert OmegaConf.load(CONF / "encoder" / f"{chosen}.yaml").params.precision == "float16"


def test_another_precision_is_a_matter_of_two_words() -> None:
    own = expand(["experiment=paper_a6"])
    assert {job.config.encoder.params.precision for job in own} == {"float16"}
    other = expand(["experiment=paper_a6", "encoder=clip_vit_b16", "target.precision=float16"])
    assert {job.config.encoder.params.get("precision") for job in other} == {None}
    assert {job.config.target.precision for job in other} == {"float16"}


def test_table_1(capsys: pytest.CaptureFixture[str]) -> None:
    records = ran("paper_table1", "concepts=glyphs_scenes")
    shown = capsys.readouterr().out
    cells = {(r.method["name"], choices_of(r)["probe"]): r for r, _ in records}
    assert set(cells) == {
        ("clip_dissect", "imagenet_val"), ("clip_dissect", "cifar100_train"),
        ("clip_dissect", "broden1_224"), ("clip_dissect", "imagenet_broden"),
        ("netdissect", "broden1_224"),
    }  # fmt: skip
    assert cells["clip_dissect", "imagenet_broden"].probe["n"] == 6 + 3  # one shows material alone
    assert cells["clip_dissect", "cifar100_train"].probe["n"] == 6
    assert all(r.counts["units"] == 1000 for r in cells.values())
    # The file bears the name of the published weights and does not hold them: it is known as such.
    [weights] = {json.dumps(r.target["fingerprint"]["weights"]) for r in cells.values()}
    assert "sha256" in weights
    assert "published beside ours: paper_table1" in shown
    assert "not run" in shown  # milan: no decoder was trained
    assert "from which our file differs" in " ".join(shown.split())
    assert main(["plan", "experiment=paper_table1", *OURS, "concepts=glyphs_scenes"]) == 0
    told = capsys.readouterr().out
    assert "5 done" in told
    assert "milan.safetensors" in told


def test_table_2_is_scored_by_both_rules(capsys: pytest.CaptureFixture[str]) -> None:
    records = ran("paper_table2", "concepts=broden_labels")
    assert {r.method["name"] for r, _ in records} == {"clip_dissect", "netdissect"}
    for _, scored in records:
        rules = {file["scoring"]["rules"]["official_labels"] for file in scored}
        assert rules == {True, False}
        # Of the small tree's scenes one is a class of Places365.
        assert {file["scoring"]["truth"]["units"] for file in scored} == {1}
    shown = capsys.readouterr().out
    assert "58.0524 %" in shown
    assert "published over 267 units" in shown  # the small tree has one of them


def test_appendix_a6(capsys: pytest.CaptureFixture[str]) -> None:
    records = ran("paper_a6", "concepts=imagenet_classes")
    assert {r.method["name"] for r, _ in records} == {"clip_dissect", "netdissect"}
    for record, scored in records:
        [file] = scored
        scores = file["scores"]
        assert record.target["layer"] == "layer4"
        assert scores["decision_truth"]["n"] == 6, scores["decision_truth"]
        assert scores["decision_prediction"]["n"] == 6, scores["decision_prediction"]
        assert scores["decision_truth"]["value"] is not None
    shown = capsys.readouterr().out
    assert "9.87 %" in shown
    assert "from which our file differs" in " ".join(shown.split())
