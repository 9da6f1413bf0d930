"""open_clip's model config as a JSON file, completed by the text model's files."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.downloads.paths import read_text, user_path
from bench.errors import UserError
from bench.parts.encoders.text_models import TextModel, find_text_model

if TYPE_CHECKING:
    from collections.abc import Mapping

_PREPROCESS = ("size", "mode", "mean", "std", "interpolation", "resize_mode", "fill_color")


@dataclass(frozen=True)
class ModelConfig:
    """The content of an open_clip config file.

    Attributes:
        model: Arguments of the model class (embed_dim, vision_cfg, text_cfg, ...).
        preprocess: Image transform in open_clip's terms, including the size.
        custom_text: Whether the state dict has the text tower as a separate module.
        text_model: The Hugging Face text model; None if the text tower is open_clip's own.
    """

    model: Mapping[str, Any]
    preprocess: Mapping[str, Any]
    custom_text: bool
    text_model: TextModel | None

    def identity(self) -> dict[str, Any]:
        """Return the config for a fingerprint, without paths of this machine."""
        text = {
            key: value
            for key, value in self.model["text_cfg"].items()
            if key not in ("hf_model_name", "hf_tokenizer_name")
        }
        return {
            "model": {**self.model, "text_cfg": text},
            "preprocess": dict(self.preprocess),
            "custom_text": self.custom_text,
            "text_model": self.text_model.name if self.text_model else "open_clip",
        }


def read_model_config(path: str, where: str) -> ModelConfig:
    """Read a config file: only the model config, or open_clip_config.json as on the hub.

    Args:
        path: As in the config.
        where: Its config key.

    Raises:
        UserError: The file is missing, not JSON, or incomplete; or its text model is missing.
    """
    whole = _read(path, where)
    model = dict(whole.get("model_cfg") or whole)
    preprocess = whole.get("preprocess_cfg") or model.get("preprocess_cfg") or {}
    model.pop("preprocess_cfg", None)
    custom_text = bool(model.pop("custom_text", False))
    for key, kind in (("embed_dim", int), ("vision_cfg", dict), ("text_cfg", dict)):
        if not isinstance(model.get(key), kind):
            raise UserError(
                f"the model config lacks {key!r}",
                where=f"{path}:1",
                hint="an open_clip config has embed_dim, vision_cfg and text_cfg",
            )
    if "multimodal_cfg" in model:
        raise UserError(
            "CoCa models cannot be given as files",
            where=f"{path}:1",
            hint="use encoder=open_clip with one of open_clip's own tags",
        )
    # All weights come from the file.
    model["vision_cfg"] = {**model["vision_cfg"], "timm_model_pretrained": False}
    model["text_cfg"], text_model = _fill_text(model["text_cfg"], path)
    return ModelConfig(
        model=model,
        preprocess=_preprocess(preprocess, model["vision_cfg"], path),
        custom_text=custom_text or text_model is not None,
        text_model=text_model,
    )


def text_model_name(path: str) -> str:
    """Return the Hugging Face text model that a config names; empty if it names none.

    Raises:
        UserError: The file is missing or not JSON.
    """
    whole = _read(path, path)
    text = (whole.get("model_cfg") or whole).get("text_cfg")
    return str((text if isinstance(text, dict) else {}).get("hf_model_name") or "")


def _read(path: str, where: str) -> dict[str, Any]:
    text = read_text(path, where)
    try:
        whole = json.loads(text)
    except json.JSONDecodeError as error:
        raise UserError(f"not JSON: {error.msg}", where=f"{path}:{error.lineno}") from error
    if not isinstance(whole, dict):
        raise UserError("the config is not a JSON object", where=f"{path}:1")
    return whole


def _fill_text(config: Mapping[str, Any], path: str) -> tuple[dict[str, Any], TextModel | None]:
    name = config.get("hf_model_name")
    if not name:
        return dict(config), None
    beside = user_path(path).parent
    found = find_text_model(str(name), f"{path}: text_cfg.hf_model_name", beside)
    tokenizer = str(config.get("hf_tokenizer_name") or "")
    same = not tokenizer or tokenizer == name or tokenizer.startswith("<")
    if not same:
        where = f"{path}: text_cfg.hf_tokenizer_name"
        tokenizer = find_text_model(tokenizer, where, beside).source
    filled = {
        **config,
        "hf_model_name": found.source,
        "hf_tokenizer_name": found.source if same else tokenizer,
        "hf_model_pretrained": True,
    }
    return filled, found


def _preprocess(given: Mapping[str, Any], vision: Mapping[str, Any], path: str) -> dict[str, Any]:
    unknown = sorted(set(given) - set(_PREPROCESS))
    if unknown:
        raise UserError(
            f"unknown keys in preprocess_cfg: {', '.join(unknown)}",
            where=path,
            hint=f"the keys are {', '.join(_PREPROCESS)}",
        )
    return {"size": vision.get("image_size", 224), **given}
