"""How many tokens a text has before a tokenizer cuts it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def find_cut(tokenize: Any, prompts: Sequence[str]) -> tuple[int, list[int]] | None:
    """Return how many tokens a text tower reads, and which prompts have more.

    Args:
        tokenize: A tokenizer of open_clip: a `SimpleTokenizer` or a `HFTokenizer`.
        prompts: The texts.

    Returns:
        The number of tokens, marks of begin and end among them, and positions in `prompts`; None
        for a tokenizer of another kind.
    """
    limit, count = getattr(tokenize, "context_length", None), _counter(tokenize)
    if not limit or count is None:
        return None
    # A token is a byte or more, so that the many short texts need no counting; cleaning a text may
    # lengthen it somewhat.
    long = [n for n, text in enumerate(prompts) if 2 * len(text.encode()) >= limit]
    return int(limit), [n for n in long if count(prompts[n]) > limit]


def _counter(tokenize: Any) -> Callable[[str], int] | None:
    """A function from a text to its number of tokens, uncut."""
    if hasattr(tokenize, "encode"):
        return lambda text: len(tokenize.encode(text)) + 2  # begin and end
    inner, clean = getattr(tokenize, "tokenizer", None), getattr(tokenize, "clean_fn", None)
    if inner is None or clean is None:
        return None
    return lambda text: len(inner(clean(text), truncation=False, verbose=False)["input_ids"])
