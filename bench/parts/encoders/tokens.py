"""Texts that a tokenizer cuts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def find_cut(tokenize: Any, prompts: Sequence[str]) -> tuple[int, list[int]] | None:
    """Return the number of tokens that a text tower reads, and the prompts that have more.

    Args:
        tokenize: A tokenizer of open_clip: a `SimpleTokenizer` or a `HFTokenizer`.
        prompts: The texts.

    Returns:
        The number of tokens, including those of begin and end, and positions in `prompts`; None for
        other tokenizers.
    """
    limit, count = getattr(tokenize, "context_length", None), _counter(tokenize)
    if not limit or count is None:
        return None
    # A token has at least a byte, so short texts need not be counted. Cleaning may lengthen a text.
    long = [n for n, text in enumerate(prompts) if 2 * len(text.encode()) >= limit]
    return int(limit), [n for n in long if count(prompts[n]) > limit]


def _counter(tokenize: Any) -> Callable[[str], int] | None:
    """Return a function from a text to its number of tokens before the cut."""
    if hasattr(tokenize, "encode"):
        return lambda text: len(tokenize.encode(text)) + 2  # begin and end
    inner, clean = getattr(tokenize, "tokenizer", None), getattr(tokenize, "clean_fn", None)
    if inner is None or clean is None:
        return None
    return lambda text: len(inner(clean(text), truncation=False, verbose=False)["input_ids"])
