"""Causal language models of Hugging Face, by name or from a folder."""

from __future__ import annotations

import math
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from bench.downloads.hub.models import TEXT_MODEL_FILES, find_model
from bench.errors import UserError
from bench.parts.checks import check_positive
from bench.parts.hugging_face import check_weights, load_parts
from bench.parts.precision import Precision, check_precision

if TYPE_CHECKING:
    from collections.abc import Sequence

    from baselines.generated import LanguageModel
    from bench.parts.protocols import Fingerprint

LANGUAGE_MODEL_VERSION = 1
"""Incremented when equal models give other answers; part of the fingerprint."""

_WHERE = "language_model.params.model"
_FILES = (*TEXT_MODEL_FILES, "*.jinja")


@dataclass(frozen=True)
class HuggingFaceLanguageModel:
    """A model that transformers loads as AutoModelForCausalLM: GPT-2, Llama, Qwen, ...

    A prompt is put into the model's chat template, if it has one. Prompts are answered one at a
    time, so that answers do not depend on batches.

    Attributes:
        model: A folder that it was saved to with its tokenizer, or a name on the hub
            ("Qwen/Qwen2.5-1.5B-Instruct"; downloaded once).
        revision: Branch, tag or commit on the hub.
        precision: Of weights and arithmetic: "float32", "float16" or "bfloat16".
        max_length: Maximum tokens of an answer.
        temperature: 0 takes the most likely token at each step; above 0, tokens are drawn with the
            run's seed.
    """

    summary: ClassVar[str] = "a causal language model of Hugging Face, by name or folder"
    packages: ClassVar[tuple[str, ...]] = ("transformers",)

    model: str
    revision: str = "main"
    precision: Precision = "float32"
    max_length: int = 32
    temperature: float = 0.0

    def __post_init__(self) -> None:
        """Check the parameters."""
        check_positive(self.max_length, "language_model.params.max_length")
        check_precision(self.precision, "language_model.params.precision")
        if not 0 <= self.temperature < math.inf:
            raise UserError(
                f"invalid temperature {self.temperature!r}",
                where="language_model.params.temperature",
                hint="give 0 for the most likely answer, or a positive number",
            )

    def fingerprint(self) -> Fingerprint:
        """Return files or commit, and all parameters."""
        return {
            "kind": "hugging_face",
            "model": find_model(self.model, self.revision, where=_WHERE).identity(_FILES),
            "transformers": version("transformers"),
            "max_length": self.max_length,
            "temperature": self.temperature,
            "precision": self.precision,
            "version": LANGUAGE_MODEL_VERSION,
        }

    def load(self, device: str) -> LanguageModel:
        """Build the model and read its weights, without a connection for a folder."""
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

        hint = "give a causal language model, saved with its tokenizer"
        (tokenizer, module), report = load_parts(
            find_model(self.model, self.revision, where=_WHERE),
            self.model,
            (AutoTokenizer, AutoModelForCausalLM),
            where=_WHERE,
            hint=hint,
        )
        check_weights(report, self.model, where=_WHERE, hint=hint)
        module = module.to(device, getattr(torch, self.precision)).eval()
        end = module.generation_config.eos_token_id
        end = tokenizer.eos_token_id if end is None else end
        pad = tokenizer.pad_token_id
        draws = {"temperature": self.temperature, "top_k": 0} if self.temperature else {}
        # In place of the model's own settings: penalties and bans differ from model to model.
        module.generation_config = GenerationConfig(
            max_new_tokens=self.max_length,
            do_sample=bool(self.temperature),
            eos_token_id=end,
            pad_token_id=pad if pad is not None else (end[0] if isinstance(end, list) else end),
            **draws,
        )
        return CausalLanguageModel(module, tokenizer)


@dataclass(frozen=True, eq=False)
class CausalLanguageModel:
    """A loaded model (`baselines.generated.LanguageModel`).

    Attributes:
        model: A causal language model of transformers, in eval mode; its `generation_config` says
            how answers are found.
        tokenizer: Its tokenizer.
    """

    model: Any
    tokenizer: Any

    def answer(self, prompts: Sequence[str], *, seed: int) -> list[str]:
        """Answer each prompt; equal seeds give equal answers."""
        import torch

        devices = [self.model.device] if self.model.device.type == "cuda" else []
        answers = []
        for number, prompt in enumerate(prompts):
            with torch.inference_mode(), torch.random.fork_rng(devices=devices):
                own = np.random.SeedSequence([seed, number]).generate_state(1)
                torch.manual_seed(int(own[0]))
                answers.append(self._answer(prompt))
        return answers

    def _answer(self, prompt: str) -> str:
        templated = bool(getattr(self.tokenizer, "chat_template", None))
        if templated:
            turns = [{"role": "user", "content": prompt}]
            prompt = self.tokenizer.apply_chat_template(
                turns, tokenize=False, add_generation_prompt=True
            )
        given = self.tokenizer(prompt, add_special_tokens=not templated, return_tensors="pt").to(
            self.model.device
        )
        found = self.model.generate(
            input_ids=given["input_ids"], attention_mask=given["attention_mask"]
        )
        answer = found[0, given["input_ids"].shape[1] :]
        return str(self.tokenizer.decode(answer, skip_special_tokens=True))
