"""Hydra's grammar of overrides; its faults told as ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException

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
                cure="add -m to run one job for each of them",
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
                explain(error), where=text, cure="overrides look like key=value"
            ) from error
    return parsed


def explain(error: BaseException) -> str:
    """Hydra's message, with that of its cause."""
    cause = f": {error.__cause__}" if error.__cause__ else ""
    return f"{error}{cause}".strip()
