"""Checkpoints of PyTorch's first years load, and nothing in them is run."""

from __future__ import annotations

import os
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from bench.errors import UserError
from bench.networks.checkpoint import read_checkpoint
from tests.bench.parts.targets.old_files import save_like_python_2

if TYPE_CHECKING:
    from pathlib import Path

STATE = {"module.fc.weight": torch.arange(6.0).reshape(2, 3), "module.fc.bias": torch.ones(2)}


class Harmful:
    def __reduce__(self) -> tuple[Any, ...]:
        return (os.mkdir, ("run",))


@pytest.mark.parametrize("best", [54.65, torch.tensor([54.65]), np.float64(54.65), np.int64(3)])
@pytest.mark.parametrize("old", [False, True])
def test_a_checkpoint_beside_numbers(tmp_path: Path, best: Any, old: bool) -> None:
    file = tmp_path / "net.pth.tar"
    content = {"epoch": 90, "arch": "resnet18", "state_dict": STATE, "best_prec1": best}
    if old:
        save_like_python_2(content, file)
        assert b"U\x10module.fc.weight" in file.read_bytes()
    else:
        torch.save(content, file)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = read_checkpoint(file, "here")["state_dict"]
    assert list(found) == list(STATE)
    assert torch.equal(found["module.fc.weight"], STATE["module.fc.weight"])


def test_texts_of_python_2_may_hold_any_byte(tmp_path: Path) -> None:
    save_like_python_2({"author": "Zo\xeb", "state_dict": STATE}, tmp_path / "net.pth")
    assert len(read_checkpoint(tmp_path / "net.pth", "here")["state_dict"]) == 2


@pytest.mark.parametrize("old", [False, True])
def test_code_beside_numbers_is_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    content = {"state_dict": STATE, "best_prec1": np.float64(1), "more": Harmful()}
    if old:
        save_like_python_2(content, tmp_path / "net.pth")
    else:
        torch.save(content, tmp_path / "net.pth")
    with pytest.raises(UserError, match="refused"):
        read_checkpoint(tmp_path / "net.pth", "here")
    assert not (tmp_path / "run").exists()
