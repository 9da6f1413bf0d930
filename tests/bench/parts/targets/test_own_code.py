"""Networks of a user's own code: PyTorch Hub's entry points, and functions by their path."""

from __future__ import annotations

import importlib
import random
import sys
from typing import TYPE_CHECKING, Any

import pytest
import torch
from PIL import Image

from bench.errors import UserError
from bench.parts.protocols import Target
from bench.parts.targets import CallableTarget, TorchHubTarget

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.bench.parts.targets.conftest import Run

NET = """
import torch
from torch import nn

def net(width=6, **more):
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
                         nn.Linear(4, width))

def with_transform():
    return net(), lambda image: torch.zeros(3, 8, 8)

def nothing():
    return {"state_dict": {}}

def broken():
    raise ValueError("no such width")
"""


@pytest.fixture
def repository(away: Path) -> Path:
    folder = away / "repository"
    (folder / "inside").mkdir(parents=True)
    forget()
    (folder / "hubconf.py").write_text("dependencies = ['torch']\nfrom hub_nets import *\n")
    (folder / "hub_nets.py").write_text(NET)
    (folder / "inside" / "more.py").write_text("")
    return folder


@pytest.fixture
def package(away: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = away / "own_package_of_a_test"
    folder.mkdir()
    (folder / "__init__.py").write_text("raise RuntimeError('not to be imported')\n")
    (folder / "nets.py").write_text(NET)
    monkeypatch.syspath_prepend(str(away))
    forget()
    return folder


def forget() -> None:
    """Drop what earlier tests imported under the same names."""
    for name in [name for name in sys.modules if name.startswith(("own_package", "hub_nets"))]:
        del sys.modules[name]
    importlib.invalidate_caches()


@pytest.fixture(params=["torch_hub", "callable"])
def make(request: pytest.FixtureRequest) -> Any:
    """A target of one of the two kinds from the name of a function of NET."""
    if request.param == "torch_hub":
        request.getfixturevalue("repository")
        return lambda name="net", **more: TorchHubTarget(name, "repository", **more)
    folder = request.getfixturevalue("package")
    (folder / "__init__.py").write_text("")
    return lambda name="net", **more: CallableTarget(f"own_package_of_a_test.nets:{name}", **more)


def state() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    shapes = {"0.weight": (4, 3, 3, 3), "0.bias": (4,), "4.weight": (6, 4), "4.bias": (6,)}
    return {name: torch.rand(shape, generator=generator) for name, shape in shapes.items()}


@pytest.mark.usefixtures("repository")
def test_a_cell_of_an_entry_point(away: Path, run_cells: Callable[..., Run]) -> None:
    torch.save({"state_dict": state()}, away / "net.pth")
    (away / "truth.csv").write_text("unit,name\n4,sea\n")
    done = run_cells(
        "target=torch_hub", "target.params.repo_or_dir=repository",
        "target.params.entry_point=net", "target.params.file=net.pth",
        "target.params.kwargs=['width=6']", "target.params.input_size=32", "target.layers=[*]",
        "target.truth_layer='4'", "target.truth.name=file", "target.truth.params.path=truth.csv",
    )  # fmt: skip
    assert done.widths == {"0": 4, "1": 4, "2": 4, "3": 4, "4": 6}
    assert done.truth["4"] == {4: "sea"}
    assert "weights: took the state dict under 'state_dict'" in done.records["4"]["notes"]


def test_each_folder_imports_its_own_modules(away: Path) -> None:
    # Two networks of one sweep; many repositories call their modules models or utils.
    forget()
    for name, width in (("first", 3), ("second", 5)):
        (away / name).mkdir()
        conf = "def net():\n    import hub_nets\n    return hub_nets.net(hub_nets.WIDTH)\n"
        (away / name / "hubconf.py").write_text(conf)
        (away / name / "hub_nets.py").write_text(f"{NET}\nWIDTH = {width}\n")
    widths = [
        TorchHubTarget("net", folder).load("cpu").module.get_submodule("4").out_features
        for folder in ("first", "second", "first")
    ]
    assert widths == [3, 5, 3]


def test_a_cell_of_a_function(package: Path, run_cells: Callable[..., Run]) -> None:
    (package / "__init__.py").write_text("")
    done = run_cells(
        "target=callable", "target.params.path=own_package_of_a_test.nets:with_transform",
        "target.layers=['4']",
    )  # fmt: skip
    assert done.widths == {"4": 6}


def test_it_is_filled_and_ready(make: Any, away: Path) -> None:
    torch.save(state(), away / "net.pth")
    target = make(file="net.pth")
    assert isinstance(target, Target)
    loaded = target.load("cpu")
    assert not loaded.module.training
    assert torch.equal(loaded.module.state_dict()["4.bias"], state()["4.bias"])
    assert loaded.transform(Image.new("RGB", (50, 60))).shape == (3, 224, 224)
    torch.save({"other": torch.zeros(1)}, away / "net.pth")
    with pytest.raises(UserError, match=r"does not fit.*lacks 0\.weight"):
        make(file="net.pth").load("cpu")


def test_random_weights_are_the_same_each_time(make: Any) -> None:
    torch.manual_seed(7)
    before = torch.random.get_rng_state()
    first = make().load("cpu").module.state_dict()
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.manual_seed(8)
    second = make().load("cpu").module.state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert len(make().fingerprint()["weights"]["tensors"]) == 64


def test_its_own_transform_gives_way_to_settings(make: Any) -> None:
    image = Image.new("RGB", (50, 60))
    assert make("with_transform").load("cpu").transform(image).shape == (3, 8, 8)
    assert make("with_transform").visible_share is None
    other = make("with_transform", input_size=16, resize=16)
    assert other.load("cpu").transform(image).shape == (3, 16, 16)
    assert other.visible_share == 1
    assert other.fingerprint()["transform"] == {
        "size": 16, "resize": 16, "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225],
    }  # fmt: skip


def test_what_decides_its_outputs_decides_its_fingerprint(make: Any, away: Path) -> None:
    torch.save(state(), away / "net.pth")
    torch.save({name: value + 1 for name, value in state().items()}, away / "other.pth")
    [code] = [*away.glob("repository/hub_nets.py"), *away.glob("own_package_of_a_test/nets.py")]
    targets = [make(), make(file="net.pth"), make(file="other.pth"), make(file="net.pth", resize=9)]
    prints = [str(target.fingerprint()) for target in targets]
    assert len(set(prints)) == 4
    assert str(make(file="net.pth").fingerprint()) == prints[1]
    (away / "net.pth").rename(away / "renamed.pth")
    assert str(make(file="renamed.pth").fingerprint()) == prints[1]
    code.write_text(f"{NET}\n# another\n")
    assert str(make(file="renamed.pth").fingerprint()) != prints[1]


def test_faults_of_the_code_are_users_errors(make: Any) -> None:
    with pytest.raises(UserError, match="returns a mapping"):
        make("nothing").load("cpu")
    with pytest.raises(UserError, match="ValueError: no such width"):
        make("broken").load("cpu")
    with pytest.raises(UserError, match="nett"):
        make("nett").load("cpu")


def test_unmet_requirements(make: Any, away: Path) -> None:
    [requirement] = make(file="net.pth").unmet_requirements()
    assert requirement.where == "target.params.file"
    assert "net.pth" in requirement.name
    torch.save(state(), away / "net.pth")
    assert make(file="net.pth").unmet_requirements() == ()


def test_describing_a_function_imports_nothing(package: Path, away: Path) -> None:
    torch.save(state(), away / "net.pth")
    target = CallableTarget("own_package_of_a_test.nets:net", file="net.pth")
    assert target.unmet_requirements() == ()
    assert len(target.fingerprint()["source"]) == 64
    (package / "nets.py").unlink()
    importlib.invalidate_caches()
    [requirement] = target.unmet_requirements()
    assert "PYTHONPATH" in requirement.hint
    with pytest.raises(UserError, match="there is no module"):
        target.fingerprint()


@pytest.mark.parametrize("path", ["net", "package.net", "a b:net", ":net", "nets:", "../nets:net"])
def test_a_path_names_module_and_function(path: str) -> None:
    with pytest.raises(UserError, match="invalid function"):
        CallableTarget(path)


def test_arguments_of_an_entry_point(repository: Path) -> None:
    kwargs = ("width=9", "name=x=y", "pretrained=false", '{"a": [1, 2]}')
    target = TorchHubTarget("net", "repository", kwargs=kwargs)
    given = target.fingerprint()["kwargs"]
    assert given == {"width": 9, "name": "x=y", "pretrained": False, "a": [1, 2]}
    assert target.load("cpu").module[4].out_features == 9  # type: ignore[index]
    for text in ("width", "=3", "{broken", "a b=1"):
        with pytest.raises(UserError, match="invalid argument"):
            TorchHubTarget("net", "repository", kwargs=(text,))
    (repository / "hubconf.py").unlink()
    with pytest.raises(UserError, match=r"contains no hubconf\.py"):
        TorchHubTarget("net", "repository").fingerprint()


def test_code_of_a_repository_is_run_only_where_that_is_asked_for(
    tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UserError, match="not trusted") as caught:
        TorchHubTarget("net", "owner/nets:v1.0")
    assert "trust_repo=true" in caught.value.hint
    for moving in ("owner/nets", "owner/nets:main", "owner/nets:master", "owner/nets:a/../b"):
        with pytest.raises(UserError, match="does not name one version"):
            TorchHubTarget("net", moving, trust_repo=True)
    target = TorchHubTarget("net", "owner/nets:v1.0", trust_repo=True, kwargs=("width=6",))
    [requirement] = target.unmet_requirements()
    assert requirement.automatic
    with pytest.raises(UserError, match="connections are disabled"):
        target.load("cpu")
    monkeypatch.setattr(torch.hub, "_hub_dir", None)
    copy = tmp_path / "torch_home" / "hub" / "owner_nets_v1.0"
    copy.parent.mkdir(parents=True)
    repository.rename(copy)
    assert target.unmet_requirements() == ()
    assert target.load("cpu").module[4].out_features == 6  # type: ignore[index]
    assert target.fingerprint()["code"] == {"github": "owner/nets", "ref": "v1.0"}


def test_a_folder_that_is_not_there() -> None:
    target = TorchHubTarget("net", "./gone")
    [requirement] = target.unmet_requirements()
    assert requirement.where == "target.params.repo_or_dir"
    assert "./gone" in requirement.name
    with pytest.raises(UserError, match="there is no folder"):
        target.fingerprint()


def test_whatever_a_network_is_drawn_with_it_is_the_same_each_time(package: Path) -> None:
    (package / "__init__.py").write_text("")
    (package / "drawn.py").write_text(
        "import random\nimport numpy as np\nimport torch\nfrom torch import nn\n"
        "def net():\n    net = nn.Linear(2, 2)\n"
        "    net.weight.data += torch.tensor(np.random.rand(2, 2) + random.random())\n"
        "    return net\n"
    )
    target = CallableTarget("own_package_of_a_test.drawn:net")
    random.seed(5)
    before = random.getstate()
    first, second = (target.load("cpu").module.state_dict()["weight"] for _ in range(2))
    assert torch.equal(first, second)
    assert random.getstate() == before
