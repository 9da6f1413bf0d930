"""A tiny MPNet with the files, and no others, that are fetched of all-mpnet-base-v2."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

SPECIAL = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")


def write_mpnet(folder: Path, pieces: Sequence[str] = ("fox", "sea", "red")) -> None:
    """Write the model into a folder.

    Args:
        folder: An existing one.
        pieces: Its word pieces; all else is unknown to it.
    """
    import torch
    from safetensors.torch import save_file
    from transformers import MPNetConfig, MPNetModel

    words = [*SPECIAL, *pieces]
    (folder / "1_Pooling").mkdir()
    torch.manual_seed(0)
    config = MPNetConfig(
        vocab_size=len(words), hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=16, max_position_embeddings=34, pad_token_id=1,
    )  # fmt: skip
    tiny = MPNetModel(config)
    save_file(
        {name: value.contiguous() for name, value in tiny.state_dict().items()},
        folder / "model.safetensors",
        metadata={"format": "pt"},
    )
    kinds = [("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize")]
    modules = [
        {"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for i, (path, kind) in enumerate(kinds)
    ]
    special = {"bos_token": "<s>", "eos_token": "</s>", "sep_token": "</s>", "cls_token": "<s>",
               "unk_token": "<unk>", "pad_token": "<pad>", "mask_token": "<mask>"}  # fmt: skip
    texts = {
        "modules.json": modules,
        "config_sentence_transformers.json": {"__version__": {"sentence_transformers": "2.0.0"}},
        "sentence_bert_config.json": {"max_seq_length": 32, "do_lower_case": False},
        "config.json": {**config.to_dict(), "architectures": ["MPNetModel"]},
        "1_Pooling/config.json": {"word_embedding_dimension": 16, "pooling_mode_mean_tokens": True},
        "tokenizer.json": _tokenizer(words),
        "tokenizer_config.json": {**special, "tokenizer_class": "MPNetTokenizer"},
        "special_tokens_map.json": special,
    }
    for name, content in texts.items():
        (folder / name).write_text(json.dumps(content))
    (folder / "vocab.txt").write_text("\n".join(words) + "\n")


def _tokenizer(words: Sequence[str]) -> dict[str, Any]:
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    tokenizer = Tokenizer(
        models.WordPiece({word: i for i, word in enumerate(words)}, unk_token="<unk>")
    )
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    return json.loads(tokenizer.to_str())
