"""Overrides as they must be typed where a value holds characters of Hydra's or the shell's own."""

from __future__ import annotations

import shlex

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Quote, QuotedString
from hydra.errors import HydraException


def as_typed(override: str) -> str:
    """Return what to type in a shell so that Hydra takes a value as the text that it is.

    The value of a list is quoted element by element.

    Args:
        override: `key=value`, the value without Hydra's quotes.
    """
    key, _, value = override.partition("=")
    value = value.strip()
    if value.startswith("[") and value.endswith("]"):
        elements = ",".join(_quoted(one.strip()) for one in value[1:-1].split(","))
        if _is_read(f"{key}=[{elements}]"):
            return shlex.quote(f"{key}=[{elements}]")
    return shlex.quote(f"{key}={_quoted(value)}")


def _quoted(text: str) -> str:
    """A text as Hydra's grammar wants it; what is in quotes already stays as it is."""
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        return text
    quoted: str = QuotedString(text, Quote.double).with_quotes()
    return quoted


def _is_read(override: str) -> bool:
    try:
        OverridesParser.create().parse_override(override)
    except HydraException:
        return False
    return True
