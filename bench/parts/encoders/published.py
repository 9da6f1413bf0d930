"""Which fetched file open_clip takes the weights of a tag from; open_clip itself needs torch."""

from __future__ import annotations

_PUBLISHED = {
    ("ViT-B-16", "openai"): "clip_vit_b16_openai",
    ("ViT-B-16-quickgelu", "openai"): "clip_vit_b16_openai",
}


def entry_of_tag(model: str, tag: str) -> str | None:
    """What `dissectbench fetch` calls a tag's weights; None for tags that it does not know."""
    return _PUBLISHED.get((model, tag.lower().replace("-", "_")))
