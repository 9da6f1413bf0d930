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
        from transformers import AutoModelForCausalLM, AutoTokenizer

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
        return CausalLanguageModel(module, tokenizer, self.max_length, self.temperature)


@dataclass(frozen=True, eq=False)
class CausalLanguageModel:
    """A loaded model (`baselines.generated.LanguageModel`).

    Attributes:
        model: A causal language model of transformers, in eval mode.
        tokenizer: Its tokenizer.
        max_length: Maximum tokens of an answer.
        temperature: See `HuggingFaceLanguageModel`.
    """

    model: Any
    tokenizer: Any
    max_length: int
    temperature: float

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
        from transformers import GenerationConfig

        tokenizer = self.tokenizer
        if getattr(tokenizer, "chat_template", None):
            turns = [{"role": "user", "content": prompt}]
            prompt = tokenizer.apply_chat_template(
                turns, tokenize=False, add_generation_prompt=True
            )
            given = tokenizer(prompt, add_special_tokens=False, return_tensors="pt")
        else:
            given = tokenizer(prompt, return_tensors="pt")
        end = self.model.generation_config.eos_token_id
        end = tokenizer.eos_token_id if end is None else end
        pad = tokenizer.pad_token_id
        draws = {"temperature": self.temperature, "top_k": 0} if self.temperature else {}
        found = self.model.generate(
            input_ids=given["input_ids"].to(self.model.device),
            attention_mask=given["attention_mask"].to(self.model.device),
            # Not the model's own settings: penalties and bans differ from model to model.
            generation_config=GenerationConfig(
                max_new_tokens=self.max_length,
                do_sample=bool(self.temperature),
                eos_token_id=end,
                pad_token_id=pad if pad is not None else (end[0] if isinstance(end, list) else end),
                **draws,
            ),
        )
        answer = found[0, given["input_ids"].shape[1] :]
        return str(tokenizer.decode(answer, skip_special_tokens=True))
