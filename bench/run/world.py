"""Refuse default parts of the embedded world on other images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Collection

    from bench.run.selection import Selection

_OTHERS = {
    "encoder": "encoder=clip_vit_b16",
    "segmenter": "segmenter=torchvision (or hugging_face; masks for the probe's own)",
    "captioner": "captioner=hf (or milan)",
}
"""What to name instead, by role."""


def check_world(selection: Selection, named: Collection[str]) -> None:
    """Refuse a default part that was trained on the embedded world only, on other images.

    A part or a probe set of the embedded world has the attribute `of_glyphs`.

    Args:
        selection: The parts of a job.
        named: The config groups that the request names itself.

    Raises:
        UserError: An encoder, segmenter or captioner of the embedded world would see other images,
            and the request does not name it.
    """
    for role, instead in _OTHERS.items():
        part = getattr(selection, role)
        if role in named or not getattr(part, "of_glyphs", False):
            continue
        if getattr(selection.probe, "of_glyphs", False):
            return
        own = selection.names[role]
        raise UserError(
            f"no {role} is named, and the default one was trained on the embedded world (Glyphs) "
            f"only, not on images such as those of {selection.names['probe']}",
            where=role,
            hint=f"name one: {instead}; or {role}={own}, to use it anyway",
        )
