"""Captioning models of random weights and some thousand parameters, as transformers saves them."""

from __future__ import annotations

import torch

from bench.parts.captioners import HuggingFaceCaptioner

WORDS = "[PAD] [CLS] [SEP] [UNK] [BOS] a the red blue dog cat sky water on in . , of picture tree"
PAD, CLS, SEP, UNK, BOS = range(5)
SIZE = 32


def tokenizer():
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    made = Tokenizer(
        models.WordLevel({w: i for i, w in enumerate(WORDS.split())}, unk_token="[UNK]")
    )
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", CLS), ("[SEP]", SEP)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=made, pad_token="[PAD]", cls_token="[CLS]", sep_token="[SEP]",
        unk_token="[UNK]", bos_token="[BOS]",
    )  # fmt: skip


def _sharpen(model):
    """Random weights of transformers hardly tell words or images apart; these do."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, weights in model.named_parameters():
            if weights.dim() > 1 or name.endswith("class_embedding"):
                weights.copy_(torch.randn(weights.shape, generator=generator) * 0.35)
    return model


TOWER = {
    "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16,
}  # fmt: skip
EYE = {**TOWER, "image_size": SIZE, "patch_size": 8}
N_WORDS = len(WORDS.split())


def save_encoder_decoder(path):
    from transformers import (
        GPT2Config,
        VisionEncoderDecoderConfig,
        VisionEncoderDecoderModel,
        ViTConfig,
        ViTImageProcessor,
    )

    decoder = GPT2Config(
        vocab_size=N_WORDS, n_positions=32, n_embd=16, n_layer=1, n_head=2, is_decoder=True,
        add_cross_attention=True, bos_token_id=CLS, eos_token_id=SEP,
    )  # fmt: skip
    config = VisionEncoderDecoderConfig.from_encoder_decoder_configs(ViTConfig(**EYE), decoder)
    model = _sharpen(VisionEncoderDecoderModel(config=config))
    for settings in (model.config, model.generation_config):
        settings.decoder_start_token_id = CLS
        settings.pad_token_id = PAD
        settings.eos_token_id = SEP
    # A published model's habits, which are no part of its probabilities.
    model.generation_config.max_length = 4
    model.generation_config.num_beams = 3
    model.generation_config.repetition_penalty = 1.5
    model.save_pretrained(path)
    tokenizer().save_pretrained(path)
    ViTImageProcessor(size={"height": SIZE, "width": SIZE}).save_pretrained(path)


def save_blip(path):
    from transformers import (
        BlipConfig,
        BlipForConditionalGeneration,
        BlipImageProcessor,
        BlipProcessor,
    )

    text = {
        **TOWER, "vocab_size": N_WORDS, "encoder_hidden_size": 16, "max_position_embeddings": 32,
        "bos_token_id": BOS, "eos_token_id": SEP, "sep_token_id": SEP, "pad_token_id": PAD,
    }  # fmt: skip
    config = BlipConfig(text_config=text, vision_config=EYE)
    _sharpen(BlipForConditionalGeneration(config)).save_pretrained(path)
    image = BlipImageProcessor(size={"height": SIZE, "width": SIZE})
    BlipProcessor(image, tokenizer()).save_pretrained(path)


def save_git(path):
    from transformers import CLIPImageProcessor, GitConfig, GitForCausalLM, GitProcessor

    config = GitConfig(
        vision_config={**EYE, "projection_dim": 16}, **TOWER, vocab_size=N_WORDS,
        max_position_embeddings=32, bos_token_id=CLS, eos_token_id=SEP, pad_token_id=PAD,
    )  # fmt: skip
    _sharpen(GitForCausalLM(config)).save_pretrained(path)
    image = CLIPImageProcessor(
        size={"shortest_edge": SIZE}, crop_size={"height": SIZE, "width": SIZE}
    )
    GitProcessor(image, tokenizer()).save_pretrained(path)


SAVE = {"blip": save_blip, "git": save_git, "encoder_decoder": save_encoder_decoder}


def part(folder, **options):
    """The captioner of a folder, of small images and short sentences."""
    return HuggingFaceCaptioner(
        model=str(folder), **{"image_size": 24, "max_length": 5, "sources": 2, **options}
    )
