import subprocess
import sys
from pathlib import Path

import pytest
import torch
import torchvision
from PIL import Image
from safetensors.torch import save_file

from bench.errors import UserError
from bench.parts.probes import FolderProbe
from bench.parts.protocols import Target
from bench.parts.targets import GlyphsTarget, TorchvisionTarget, resolve_layers

REAL = Path(__file__).resolve().parents[5] / "shared" / "real"


@pytest.fixture(scope="module")
def state():
    torch.manual_seed(0)
    return torchvision.models.mobilenet_v3_small(num_classes=7).state_dict()


@pytest.mark.parametrize("form", ["plain.pth", "wrapped.pth.tar", "plain.safetensors"])
def test_a_state_dict_file_of_any_form_loads(tmp_path, state, form):
    path = tmp_path / form
    if form.endswith(".safetensors"):
        save_file(state, path)
    elif form.endswith(".tar"):
        named = {f"module.{name}": tensor for name, tensor in state.items()}
        torch.save({"epoch": 3, "state_dict": named}, path)
    else:
        torch.save(state, path)
    target = TorchvisionTarget("mobilenet_v3_small", file=str(path))
    assert isinstance(target, Target)
    loaded = target.load("cpu")
    assert not loaded.module.training
    assert torch.equal(
        loaded.module.state_dict()["classifier.3.weight"], state["classifier.3.weight"]
    )
    image = loaded.transform(Image.new("RGB", (300, 500)))
    assert image.shape == (3, 224, 224)
    assert loaded.module(image[None]).shape == (1, 7)


def test_the_transform_is_as_set(tmp_path, state):
    torch.save(state, tmp_path / "a.pth")
    plain = TorchvisionTarget("mobilenet_v3_small", file=str(tmp_path / "a.pth"))
    other = TorchvisionTarget(
        "mobilenet_v3_small",
        file=str(tmp_path / "a.pth"),
        input_size=32,
        resize=0,
        mean=(0, 0, 0),
        std=(1, 1, 1),
    )
    assert plain.fingerprint() != other.fingerprint()
    image = other.load("cpu").transform(Image.new("RGB", (300, 500), "white"))
    assert image.shape == (3, 32, 32)
    assert image.min() == 1


def test_an_unknown_architecture_has_neighbours(tmp_path, state):
    torch.save(state, tmp_path / "a.pth")
    with pytest.raises(UserError) as caught:
        TorchvisionTarget("resnet51", file=str(tmp_path / "a.pth")).load("cpu")
    assert "resnet50" in caught.value.valid


def test_a_file_of_another_architecture_says_which_names(tmp_path, state):
    torch.save(state, tmp_path / "a.pth")
    with pytest.raises(UserError, match=r"lacks conv1\.weight.*unexpected features"):
        TorchvisionTarget("resnet18", file=str(tmp_path / "a.pth")).load("cpu")
    short = {name: tensor for name, tensor in state.items() if name != "classifier.3.bias"}
    torch.save(short, tmp_path / "b.pth")
    with pytest.raises(UserError, match=r"it lacks classifier\.3\.bias\n"):
        TorchvisionTarget("mobilenet_v3_small", file=str(tmp_path / "b.pth")).load("cpu")
    with pytest.raises(UserError, match=r"other shapes: classifier\.3\.weight \(7, 1024\)"):
        TorchvisionTarget("mobilenet_v3_small", file=str(tmp_path / "a.pth"), num_classes=9).load(
            "cpu"
        )


def test_code_in_a_file_is_not_run(tmp_path):
    torch.save({"weight": torch.nn.Linear(2, 2)}, tmp_path / "a.pth")
    with pytest.raises(UserError, match="refused"):
        TorchvisionTarget("resnet18", file=str(tmp_path / "a.pth")).load("cpu")
    (tmp_path / "b.safetensors").write_bytes(b"rubbish")
    with pytest.raises(UserError, match="cannot read"):
        TorchvisionTarget("resnet18", file=str(tmp_path / "b.safetensors")).load("cpu")


def test_weights_must_be_given_once():
    with pytest.raises(UserError):
        TorchvisionTarget("resnet18")
    with pytest.raises(UserError):
        TorchvisionTarget("resnet18", weights="DEFAULT", file="a.pth")
    with pytest.raises(UserError) as caught:
        TorchvisionTarget("resnet18", weights="IMAGENET1K_V9").load("cpu")
    assert "IMAGENET1K_V1" in caught.value.valid
    with pytest.raises(UserError):
        TorchvisionTarget("resnet18", weights="DEFAULT", mean=(0.5,))


def test_fingerprints_need_no_torch():
    code = (
        "import sys; from bench.parts.targets import TorchvisionTarget as T; "
        "print(T('resnet18', weights='IMAGENET1K_V1').fingerprint()); "
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_layers_are_checked_against_the_network():
    module = torchvision.models.resnet18()
    assert resolve_layers(module, [" layer4", "fc", "layer4"]) == ["layer4", "fc"]
    with pytest.raises(UserError) as caught:
        resolve_layers(module, ["layer5"])
    assert caught.value.valid[0].startswith("layer")
    assert "layer1  .0 .0.conv1" in str(caught.value)
    assert "\n    fc" in str(caught.value)
    with pytest.raises(UserError):
        resolve_layers(module, [])


def test_the_networks_of_the_embedded_world():
    target = GlyphsTarget("objects")
    try:
        print_of = target.fingerprint()
    except UserError as error:
        pytest.skip(str(error))
    assert len(print_of["weights"]) == 64
    loaded = target.load("cpu")
    image = loaded.transform(Image.new("RGB", (128, 128)))
    assert image.shape == (3, 128, 128)
    resolve_layers(loaded.module, ["fc", "layer4"])


@pytest.mark.slow
@pytest.mark.skipif(not REAL.is_dir(), reason="no real network beside this checkout")
def test_a_real_network_recognises_real_images():
    file = REAL / "squeezenet1_0_imagenet.safetensors"
    loaded = TorchvisionTarget("squeezenet1_0", file=str(file)).load("cpu")
    resolve_layers(loaded.module, ["classifier"])
    probe = FolderProbe(str(REAL / "imagenet_samples"), limit=40)
    classes = sorted(path.name for path in (REAL / "imagenet_samples").iterdir() if path.is_dir())
    right = 0
    for index in range(len(probe)):
        with torch.inference_mode():
            logits = loaded.module(loaded.transform(probe.image(index))[None])
        assert logits.shape == (1, 1000)
        right += classes[int(logits.argmax())] == probe.names[index].split("/")[0]
    assert right / len(probe) > 0.4
