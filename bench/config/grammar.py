"""Hydra's grammar of overrides; its faults told as ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException

from bench.config.quoting import as_typed
from bench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hydra.core.override_parser.types import Override


def single(overrides: Sequence[str]) -> list[Override]:
    """Parse overrides of one run.

    Raises:
        UserError: One that is not in the grammar, or that gives several values.
    """
    parsed = parse(overrides)
    for override in parsed:
        if override.is_sweep_override():
            raise UserError(
                f"{override.input_line} gives several values to one run",
                where=str(override.key_or_group),
                hint="add -m to run one job for each of them; or, if it is one text, type "
                f"{as_typed(override.input_line or '')}",
            )
    return parsed


def parse(overrides: Sequence[str]) -> list[Override]:
    """Parse each override.

    Raises:
        UserError: One that is not in the grammar; says which.
    """
    parser, parsed = OverridesParser.create(), []
    for text in overrides:
        try:
            parsed.append(parser.parse_override(text))
        except HydraException as error:
            raise UserError(
                f"Hydra reads some characters of this value as its own: {_first_line(error)}",
                where=text,
                hint=f"if the value is a text, type {as_typed(text)}",
            ) from error
    return parsed


def explain(error: BaseException) -> str:
    """Hydra's message, with that of its cause."""
    cause = f": {error.__cause__}" if error.__cause__ else ""
    return f"{error}{cause}".strip()


def _first_line(error: BaseException) -> str:
    """What is wrong; the rest is an address of Hydra's pages."""
    return str(error).strip().partition("\n")[0]
