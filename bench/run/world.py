"""Parts of the embedded world stay in it, unless they are named for other images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Collection

    from bench.run.selection import Parts

_OTHERS = {
    "encoder": "encoder=clip_vit_b16",
    "segmenter": "segmenter=torchvision (or hugging_face; masks for the probe's own)",
    "captioner": "captioner=hf (or milan)",
}
"""What to name instead, by role."""


def check_world(parts: Parts, named: Collection[str]) -> None:
    """Refuse a default part that knows the images of the embedded world alone, on other images.

    A part or a probe set of the embedded world says so (`of_glyphs`).

    Args:
        parts: Of a job.
        named: The config groups that the request names itself.

    Raises:
        UserError: A labelling encoder, segmenter or captioner of the embedded world would look at
            other images, and the request does not name it.
    """
    for role, instead in _OTHERS.items():
        part = getattr(parts, role)
        if role in named or not getattr(part, "of_glyphs", False):
            continue
        if getattr(parts.probe, "of_glyphs", False):
            return
        own = parts.names[role]
        raise UserError(
            f"no {role} is named, and the default one knows only the images of the embedded "
            f"world (Glyphs), not those of {parts.names['probe']}",
            where=role,
            hint=f"name one: {instead}; or {role}={own}, to use it all the same",
        )
