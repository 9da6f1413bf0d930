"""Render pages: every text of a record is cleaned and escaped, wherever a template shows it."""

from __future__ import annotations

import json
import math
import re
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from leaderboards.pages.markdown import clean
from leaderboards.pages.numbers import show, show_interval, show_seconds
from metrics.catalog import metric_of

_LONGEST = 4_000
"""Characters of a text on a page."""

_UNSAFE = re.compile(r"[<>&\u2028\u2029]")
"""Characters that could end a script, or a line of one."""


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("leaderboards.site"),
        autoescape=True,
        finalize=_finalize,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "code": code_spans,
        "data": lambda value: "" if value is None or math.isnan(value) else repr(float(value)),
        "number": show,
        "interval": show_interval,
        "seconds": show_seconds,
    }
    environment.globals["metric_title"] = lambda name: metric_of(name).title
    return environment


def render_page(template: str, **context: Any) -> bytes:
    """Render a template of this package.

    Args:
        template: Name of its file in `templates`.
        context: What it shows; texts may hold anything.
    """
    return _environment().get_template(template).render(context).encode("utf-8")


def render_script(name: str, value: object) -> bytes:
    """Return a script that assigns data to `siteData[name]`, since pages on disk cannot fetch any.

    Args:
        name: Key of the data.
        value: Anything that JSON knows; NaN and infinities become null.
    """
    try:
        text = _compact_json(value)
    except ValueError:  # a NaN or an infinity
        text = _compact_json(_without_nan(value))
    text = _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    return f"(window.siteData ??= {{}})[{json.dumps(name)}]={text};\n".encode()


def _compact_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def code_spans(text: str) -> Markup:
    """Turn the code spans of a sentence, `between backticks`, into HTML, and escape the rest."""
    parts = [str(escape(part)) for part in clean(text, _LONGEST).split("`")]
    spans = [f"<code>{p}</code>" if number % 2 else p for number, p in enumerate(parts)]
    return Markup("".join(spans))  # noqa: S704 - each part is escaped above


def _finalize(value: object) -> object:
    return clean(value, _LONGEST) if type(value) is str else value


def _without_nan(value: object) -> object:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _without_nan(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(one) for one in value]
    return value
