"""Hydra's grammar of overrides: parse them, split sweeps, and report faults in our own words."""

from __future__ import annotations

from functools import lru_cache
from itertools import product
from typing import TYPE_CHECKING

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException

from bench.config.quoting import shell_quote
from bench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hydra.core.override_parser.types import Override


@lru_cache(maxsize=4096)
def parse(text: str) -> Override:
    """Parse one override.

    Raises:
        UserError: The override is not in the grammar.
    """
    try:
        return OverridesParser.create().parse_override(text)
    except HydraException as error:
        # The first line says what is wrong; the rest is an address of Hydra's pages.
        reason = str(error).strip().partition("\n")[0]
        raise UserError(
            f"some characters of this value have a meaning in Hydra's grammar: {reason}",
            where=text,
            hint=f"if the value is a text, type {shell_quote(text)}",
        ) from error


def parse_single(overrides: Sequence[str], *, sweeps: bool = True) -> list[Override]:
    """Parse the overrides of one run.

    Args:
        overrides: The overrides.
        sweeps: Whether the command takes -m, for the hint.

    Raises:
        UserError: An override is not in the grammar, or gives several values.
    """
    parsed = [parse(text) for text in overrides]
    for override in parsed:
        if override.is_sweep_override():
            raise UserError(
                f"{override.input_line} gives several values to one run",
                where=str(override.key_or_group),
                hint=f"{'add -m to run one job for each of them' if sweeps else 'give one value'}; "
                f"or, if it is one text, type {shell_quote(override.input_line or '')}",
            )
    return parsed


def split_sweep(overrides: Sequence[str]) -> list[list[str]]:
    """Return the overrides of each job of a sweep: all combinations of the given values.

    The result is that of Hydra's basic sweeper, a private module; the methods of `Override` used
    here are public. The last of several overrides of one key counts.

    Raises:
        UserError: An override is not in the grammar, or gives a range without single values.
    """
    values: dict[str, list[str]] = {}
    for override in map(parse, overrides):
        key = override.get_key_element()
        if not override.is_sweep_override():
            values[key] = [f"{key}={override.get_value_element_as_str()}"]
        elif override.is_discrete_sweep():
            values[key] = [f"{key}={value}" for value in override.sweep_string_iterator()]
        else:
            raise UserError(
                f"{override.input_line} gives no list of values",
                where=str(override.key_or_group),
                hint="list them, as in seed=1,2,3 or seed=range(1,4)",
            )
    return [list(job) for job in product(*values.values())]


def explain(error: BaseException) -> str:
    """Return an error's message with that of its cause.

    An error of joblib's process has that process's traceback as its cause, which says nothing more.
    """
    cause = str(error.__cause__ or "")
    told = [str(error), *([] if "Traceback (most recent" in cause else [cause])]
    return ": ".join(filter(None, told)).strip()
