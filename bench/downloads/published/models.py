"""Encoders on the Hugging Face hub."""

from __future__ import annotations

from bench.downloads.entry import Download

_HUB = "https://huggingface.co/"
_AS_RECORDED = (
    "sha256 of the weights as several public repositories record it, for the commit {commit}; the "
    "hub states it beside the file"
)


def _model(
    name: str, repo: str, files: tuple[str, ...], commit: str, **facts: str | int | None
) -> Download:
    return Download(
        name=name,
        kind="hub",
        repo=repo,
        files=files,
        url=f"{_HUB}{repo}",
        group="models",
        checked_by=_AS_RECORDED.format(commit=commit),
        **facts,  # type: ignore[arg-type]
    )


MODELS = (
    _model(
        "all_mpnet_base_v2",
        "sentence-transformers/all-mpnet-base-v2",
        (
            "model.safetensors",
            "modules.json",
            "config_sentence_transformers.json",
            "sentence_bert_config.json",
            "config.json",
            "1_Pooling/config.json",
            "tokenizer.json",
            "tokenizer_config.json",
            "special_tokens_map.json",
            "vocab.txt",
        ),
        "e8c3b32e",
        summary="all-mpnet-base-v2, the sentence encoder of CLIP-Dissect's scores",
        licence="Apache 2.0",
        size=437_971_872,
        sha256="78c0197b6159d92658e319bc1d72e4c73a9a03dd03815e70e555c5ef05615658",
        use="scoring=mpnet",
    ),
    _model(
        "clip_vit_b16_openai",
        # Where open_clip takes the weights of its tag "openai" from.
        "timm/vit_base_patch16_clip_224.openai",
        ("open_clip_model.safetensors",),
        "977e3dd0",
        summary="CLIP ViT-B/16 by OpenAI, as open_clip has it: the encoder of CLIP-Dissect's paper",
        licence="MIT (of the CLIP repository)",
        size=598_516_980,
        sha256="4b8699299b1e8997753c64b052ba32031449d5d853f55a039148560ee02b820f",
        use="encoder=clip_vit_b16",
    ),
)
