"""`dissectbench train milan` on a small folder of annotations, and a run with what it wrote."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision

from bench.__main__ import main
from bench.errors import UserError
from bench.parts.captioners import MilanCaptioner

SIZE, EXEMPLARS, UNITS = 224, 3, 6


@pytest.fixture(scope="module")
def vision(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state dict under torchvision's own file name."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("vision") / "resnet18-f37072fd.pth"
    torch.save(torchvision.models.resnet18().state_dict(), path)
    return path


@pytest.fixture(scope="module")
def annotations(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Units that fire on red and units that fire on blue."""
    root = tmp_path_factory.mktemp("annotations")
    layer = root / "alexnet" / "places365" / "conv5"
    layer.mkdir(parents=True)
    images = np.zeros((UNITS, EXEMPLARS, 3, SIZE, SIZE), dtype=np.uint8)
    images[::2, :, 0] = 220
    images[1::2, :, 2] = 220
    np.save(layer / "images.npy", images)
    np.save(layer / "masks.npy", np.ones((UNITS, EXEMPLARS, 1, SIZE, SIZE), dtype=np.uint8))
    ids = np.arange(UNITS * EXEMPLARS).reshape(UNITS, EXEMPLARS)
    np.savetxt(layer / "ids.csv", ids, fmt="%d", delimiter=",")
    with (layer.parent / "annotations.csv").open("w", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(("layer", "unit", "summary"))
        for unit in range(UNITS):
            for text in ("red things", "the color red") if unit % 2 == 0 else ("blue things",):
                writer.writerow(("conv5", unit, text))
    return root


@pytest.fixture(scope="module")
def decoder(annotations: Path, vision: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("decoder") / "milan.safetensors"
    arguments = ["train", "milan", "--annotations", str(annotations), "--out", str(out)]
    arguments += ["--sources", "alexnet-places365", "--arch", "resnet18", "--epochs", "2"]
    assert main([*arguments, "--vision-file", str(vision), "--device", "cpu"]) == 0
    return out


def test_a_run_describes_with_the_trained_decoder(
    decoder: Path, vision: Path, tmp_path: Path
) -> None:
    arguments = ["run", "method=milan", "captioner=milan", "probe.params.size=24"]
    arguments += [f"captioner.params.file={decoder}", "captioner.params.arch=resnet18"]
    arguments += [f"captioner.params.vision_file={vision}", f"results={tmp_path}", "board=b"]
    arguments += ["method.params.top_k=3", "method.params.beam=5", "runtime.progress=false"]
    assert main([*arguments, "target=glyphs_scenes", f"runtime.cache={tmp_path / 'cache'}"]) == 0
    [file] = tmp_path.glob("b/milan/*/record.json")
    record = json.loads(file.read_text(encoding="utf-8"))
    assert record["captioner"]["name"] == "milan"
    assert record["concepts"]["name"] == "free text"
    assert record["method"]["given"] == "annotated units"


def test_a_decoder_sees_only_through_its_own_network(
    decoder: Path, vision: Path, tmp_path: Path
) -> None:
    torch.manual_seed(1)
    other = tmp_path / "other.pth"
    torch.save(torchvision.models.resnet18().state_dict(), other)
    captioner = MilanCaptioner(str(decoder), "resnet18", vision_file=str(other))
    with pytest.raises(UserError, match="trained on features of"):
        captioner.load("cpu")
    own = MilanCaptioner(str(decoder), "resnet18", vision_file=str(vision))
    assert own.fingerprint() != captioner.fingerprint()


def test_what_is_missing_is_named(decoder: Path, vision: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="weights of the network"):
        MilanCaptioner(str(decoder))
    with pytest.raises(UserError, match="are not defined"):
        MilanCaptioner(str(decoder), "vit_b_16", vision_file=str(vision))
    damaged = tmp_path / "damaged.safetensors"
    damaged.write_bytes(decoder.read_bytes()[:200])
    with pytest.raises(UserError, match="damaged"):
        MilanCaptioner(str(damaged), "resnet18", vision_file=str(vision)).load("cpu")


def test_no_folder_to_write_to_is_told_before_training(
    annotations: Path, vision: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["train", "milan", "--annotations", str(annotations), "--arch", "resnet18"]
    arguments += ["--vision-file", str(vision), "--sources", "alexnet/places365"]
    assert main([*arguments, "--out", str(tmp_path / "none" / "x.safetensors")]) == 2
    assert "folder not found" in capsys.readouterr().err
