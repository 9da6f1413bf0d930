"""Quote overrides whose values hold characters that Hydra or the shell would interpret."""

from __future__ import annotations

import shlex

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Quote, QuotedString
from hydra.errors import HydraException


def shell_quote(override: str) -> str:
    """Return what to type in a shell so that Hydra takes the value as plain text.

    Elements of a list are quoted one by one.

    Args:
        override: `key=value`, the value without Hydra's quotes.
    """
    key, _, value = override.partition("=")
    value = value.strip()
    if value.startswith("[") and value.endswith("]"):
        elements = ",".join(quote(element.strip()) for element in value[1:-1].split(","))
        if _is_valid(f"{key}=[{elements}]"):
            return shlex.quote(f"{key}=[{elements}]")
    return shlex.quote(f"{key}={quote(value)}")


def quote(text: str) -> str:
    """Quote a text for Hydra's grammar; a text in quotes stays as it is."""
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        return text
    quoted: str = QuotedString(text, Quote.double).with_quotes()
    return quoted


def _is_valid(override: str) -> bool:
    try:
        OverridesParser.create().parse_override(override)
    except HydraException:
        return False
    return True
