"""A causal language model of random weights, as transformers saves it."""

from __future__ import annotations

from tests.bench.parts.captioners.tiny_models import CLS, N_WORDS, PAD, SEP, _sharpen, tokenizer


def save_gpt2(path, chat_template=None):
    from transformers import GPT2Config, GPT2LMHeadModel

    config = GPT2Config(
        vocab_size=N_WORDS, n_positions=512, n_embd=16, n_layer=1, n_head=2, bos_token_id=CLS,
        eos_token_id=SEP, pad_token_id=PAD,
    )  # fmt: skip
    model = _sharpen(GPT2LMHeadModel(config))
    # A published model's habits, which are not used.
    model.generation_config.max_length = 3
    model.generation_config.repetition_penalty = 1.9
    model.save_pretrained(path)
    words = tokenizer()
    words.chat_template = chat_template
    words.save_pretrained(path)
