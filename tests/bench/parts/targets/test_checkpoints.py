"""The one state dict of a file that is the network's own, whatever it is wrapped in."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import timm
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

from bench.errors import UserError
from bench.networks.weights_file import WeightsFile
from bench.parts.targets import CallableTarget, TimmTarget, TorchvisionTarget

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

State = dict[str, torch.Tensor]


def net() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4, 2))


def state(seed: int = 1) -> State:
    torch.manual_seed(seed)
    return {name: torch.rand(one.shape).to(one.dtype) for name, one in net().state_dict().items()}


def under(prefix: str, tensors: State) -> State:
    return {f"{prefix}{name}": tensor for name, tensor in tensors.items()}


def read(content: Any, file: Path, chosen: str = "") -> tuple[State, str]:
    """What a file fills the network with, and what is told of it."""
    torch.save(content, file)
    module = net()
    found = WeightsFile(str(file), chosen).fill(module, "the net")
    return dict(module.state_dict()), "; ".join(found.notes)


def same(first: State, second: State) -> bool:
    return first.keys() == second.keys() and all(torch.equal(first[k], second[k]) for k in first)


OPTIMIZER = {
    "state": {n: {"step": torch.tensor(3.0), "exp_avg": torch.rand(4)} for n in range(3)},
    "param_groups": [{"lr": 0.1, "params": [0, 1, 2]}],
}

FORMS = {
    "plain": (lambda s: s, ""),
    "parallel": (lambda s: {"state_dict": under("module.", s)}, "'state_dict'; .*'module.' off"),
    "compiled": (lambda s: under("_orig_mod.", s), "'_orig_mod.' off"),
    "lightning": (
        lambda s: {"epoch": 3, "state_dict": under("model.", s), "optimizer_states": [OPTIMIZER]},
        "'state_dict'; .*'model.' off",
    ),
    "net": (lambda s: {"net": s, "acc": 93.1}, "under 'net'"),
    "deep": (
        lambda s: {"payload": {"ema": {"shadow": under("encoder.backbone.", s)}}},
        "'payload.ema.shadow'; .*'encoder.backbone.' off",
    ),
    "several wrappers": (lambda s: under("_orig_mod.module.", s), "'_orig_mod.module.' off"),
    "a part compiled": (
        lambda s: {name.replace("3.", "3._orig_mod."): one for name, one in s.items()},
        "wrappers out of the names: _orig_mod",
    ),
    "best": (lambda s: {"model": s, "best": torch.tensor(0.9), "opt": OPTIMIZER}, "under 'model'"),
}


@pytest.mark.parametrize("form", FORMS)
def test_one_wrapper_or_prefix_is_taken_off_and_said(form: str, tmp_path: Path) -> None:
    import re

    wrap, told = FORMS[form]
    filled, notes = read(wrap(state()), tmp_path / "net.pth")
    assert same(filled, state())
    assert re.search(told, notes) if told else notes == ""


def test_a_network_may_be_wrapped_itself(tmp_path: Path) -> None:
    torch.save(state(), tmp_path / "net.pth")
    module = nn.DataParallel(net())
    WeightsFile(str(tmp_path / "net.pth")).fill(module, "the net")
    assert same(dict(module.module.state_dict()), state())


def test_an_averaged_model_and_its_counter(tmp_path: Path) -> None:
    averaged = AveragedModel(net())
    averaged.update_parameters(net())
    saved = dict(averaged.state_dict())
    assert "n_averaged" in saved
    filled, notes = read(saved, tmp_path / "net.pth")
    assert same(filled, dict(averaged.module.state_dict()))
    assert "'module.' off" in notes


RAW, AVERAGED = state(2), state(3)


@pytest.mark.parametrize(
    ("content", "keys"),
    [
        ({"state_dict": RAW, "state_dict_ema": AVERAGED}, ("state_dict", "state_dict_ema")),
        ({"model": under("module.", RAW), "ema": {"module": AVERAGED}}, ("model", "ema")),
        ({**RAW, "params_ema": AVERAGED}, (".", "params_ema")),
        ({**under("online.", RAW), **under("ema.", AVERAGED), "step": torch.tensor(1)},
         ("online", "ema")),
    ],
)  # fmt: skip
def test_raw_and_averaged_weights_are_refused_until_one_is_chosen(
    content: Any, keys: tuple[str, str], tmp_path: Path
) -> None:
    with pytest.raises(UserError, match="holds 2 state dicts that fit the net") as caught:
        read(content, tmp_path / "net.pth")
    assert f"target.params.state_dict={keys[0]}" in caught.value.hint
    assert f"target.params.state_dict={keys[1]}" in caught.value.hint
    for key, wanted in zip(keys, (RAW, AVERAGED), strict=True):
        assert same(read(content, tmp_path / "net.pth", key)[0], wanted)


def test_averaged_weights_without_names_are_not_passed_over(tmp_path: Path) -> None:
    shadow = [torch.rand(one.shape) for one in net().parameters()]
    content = {"state_dict": RAW, "ema": {"decay": 0.9, "shadow_params": shadow}}
    with pytest.raises(UserError, match=r"maybe averaged weights: ema\.shadow_params"):
        read(content, tmp_path / "net.pth")
    assert same(read(content, tmp_path / "net.pth", "state_dict")[0], RAW)


def test_a_part_of_the_weights_is_loaded_only_where_it_is_named(tmp_path: Path) -> None:
    content = {"state_dict": {**under("model.", RAW), "criterion.weight": torch.ones(2)}}
    with pytest.raises(
        UserError, match=r"more than the weights of the net: criterion\.weight"
    ) as caught:
        read(content, tmp_path / "net.pth")
    assert "target.params.state_dict=state_dict.model" in caught.value.hint
    assert same(read(content, tmp_path / "net.pth", "state_dict.model")[0], RAW)
    with pytest.raises(UserError, match=r"criterion\.weight"):
        read(content, tmp_path / "net.pth", "state_dict")


def test_what_does_not_fit_is_listed(tmp_path: Path) -> None:
    short = {name: one for name, one in RAW.items() if name != "3.bias"}
    with pytest.raises(UserError, match=r"it lacks 3\.bias") as caught:
        read({"weights": under("model.", short), "opt": OPTIMIZER}, tmp_path / "net.pth")
    assert "tensors under weights, opt.state.0" in caught.value.hint
    with pytest.raises(UserError, match="no tensors under 'gone'") as caught:
        read({"weights": RAW}, tmp_path / "net.pth", "gone")
    assert "one of its keys (weights)" in caught.value.hint
    with pytest.raises(UserError, match="it holds the keys epoch, args"):
        read({"epoch": 3, "args": {"lr": 0.1}}, tmp_path / "net.pth")
    with pytest.raises(UserError, match="it holds a dict"):
        read({}, tmp_path / "net.pth")
    with pytest.raises(UserError, match="it holds a list"):
        read([1, 2], tmp_path / "net.pth")


@pytest.mark.parametrize(
    ("packed", "told"),
    [
        (lambda tensor: (100 * tensor).to(torch.int8), "torch.int8"),
        (lambda tensor: tensor.to(torch.complex64), "torch.complex64"),
        (lambda tensor: tensor.to("meta"), "no values"),
    ],
)
def test_weights_that_are_not_dense_floats_are_refused(
    packed: Callable[[torch.Tensor], torch.Tensor], told: str, tmp_path: Path
) -> None:
    content = {**RAW, "3.weight": packed(RAW["3.weight"])}
    with pytest.raises(UserError, match=rf"not dense floats: 3\.weight \({told}\)"):
        read(content, tmp_path / "net.pth")


def test_arguments_of_a_training_script_stand_beside_the_weights(tmp_path: Path) -> None:
    content = {"model": RAW, "args": Namespace(lr=0.1, layers=[1, 2], best=np.float64(93.1))}
    assert same(read(content, tmp_path / "net.pth")[0], RAW)


def test_every_target_with_a_file_takes_the_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = {name: torch.zeros_like(one) for name, one in state_of_squeezenet().items()}
    averaged = state_of_squeezenet()
    torch.save({"model": raw, "model_ema": under("module.", averaged)}, tmp_path / "net.pth")
    plain = TorchvisionTarget("squeezenet1_1", file=str(tmp_path / "net.pth"))
    chosen = TorchvisionTarget(
        "squeezenet1_1", file=str(tmp_path / "net.pth"), state_dict="model_ema"
    )
    with pytest.raises(UserError, match="2 state dicts that fit torchvision's squeezenet1_1"):
        plain.load("cpu")
    loaded = chosen.load("cpu")
    assert same(dict(loaded.module.state_dict()), averaged)
    assert loaded.notes[0] == "weights: took the state dict under 'model_ema'"
    assert list(plain.fingerprint()["weights"]) == ["sha256"]
    assert chosen.fingerprint()["weights"] == {
        **plain.fingerprint()["weights"], "state_dict": "model_ema",
    }  # fmt: skip


def state_of_squeezenet() -> State:
    import torchvision

    torch.manual_seed(0)
    return dict(torchvision.models.squeezenet1_1(num_classes=3).state_dict())


def test_a_timm_file_without_a_classifier_is_wrapped_like_any_other(tmp_path: Path) -> None:
    saved = timm.create_model("resnet10t", num_classes=0).state_dict()
    torch.save({"model": under("module.", dict(saved))}, tmp_path / "net.pth")
    target = TimmTarget("resnet10t", file=str(tmp_path / "net.pth"))
    assert same(dict(target.load("cpu").module.state_dict()), dict(saved))
    with pytest.raises(UserError, match=r"lacks fc\.weight"):
        TimmTarget("resnet10t", file=str(tmp_path / "net.pth"), num_classes=5).load("cpu")


def test_names_of_a_users_own_network_are_never_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "nets_with_aux.py").write_text(
        "from torch import nn\n"
        "class Net(nn.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.conv, self.aux = nn.Conv2d(3, 2, 1), nn.Linear(2, 2)\n"
        "def net(): return Net()\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    torch.save({"conv.weight": torch.ones(2, 3, 1, 1), "conv.bias": torch.ones(2)}, "a.pth")
    with pytest.raises(UserError, match=r"lacks aux\.weight"):
        CallableTarget("nets_with_aux:net", file="a.pth").load("cpu")
