"""Sentences of Hugging Face's captioning models, and their probabilities."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest
import torch
from PIL import Image

from baselines.captions import Search
from baselines.exemplar_images import masked_crops
from tests.baselines.exemplars_made import make_exemplars
from tests.bench.parts.captioners.tiny_models import BOS, CLS, PAD, SAVE, SEP, WORDS, part

WORD = WORDS.split()
EXEMPLARS = make_exemplars(units=3, k=4, size=24)
START = {"blip": BOS, "git": CLS, "encoder_decoder": CLS}


@pytest.fixture(scope="module")
def loaded(folders):
    return {kind: part(folder).load("cpu") for kind, folder in folders.items()}


@pytest.fixture(scope="module")
def one_by_one(folders):
    """The same captioners, one image and one sentence at a time."""
    found = {kind: part(folder).load("cpu") for kind, folder in folders.items()}
    for captioner in found.values():
        model = captioner._model
        for runner in (model._scoring, model._seeing, model._searching):
            runner.batch_size = 1
    return found


@cache
def published(folder):
    from transformers import AutoImageProcessor, AutoModelForImageTextToText

    model = AutoModelForImageTextToText.from_pretrained(folder).eval()
    return model, AutoImageProcessor.from_pretrained(folder)


@cache
def next_log_p(folder, kind, image, given):
    """The next word of one image (as bytes) and one beginning, which sentences may share."""
    model, processor = published(folder)
    name = "decoder_input_ids" if kind == "encoder_decoder" else "input_ids"
    picture = Image.frombytes("RGB", (24, 24), image)
    pixels = processor(images=picture, return_tensors="pt")["pixel_values"]
    with torch.inference_mode():
        logits = model(pixel_values=pixels, **{name: torch.tensor([given])}).logits[0, -1]
    return torch.log_softmax(logits.double(), dim=0)


def plain_log_p(folder, kind, images, words, prefix=()):
    """One image and one word at a time, without any batch or cache of states."""
    found = []
    for image in images:
        picture = Image.fromarray(image).resize((24, 24), Image.Resampling.BICUBIC).tobytes()
        total, given = 0.0, (START[kind], *prefix)
        for word in [*words, SEP]:
            total += float(next_log_p(folder, kind, picture, given)[word])
            given += (word,)
        found.append(total)
    return found


def words_of(text):
    return [WORD.index(word) for word in text.lower().replace(".", " .").replace(",", " ,").split()]


@pytest.mark.parametrize("kind", SAVE)
def test_candidates_bear_the_models_own_probabilities(folders, loaded, kind, monkeypatch):
    search = Search("rerank", beam=6, pmi_weight=0.3)
    captioner = loaded[kind]
    assert captioner.has_prior
    assert captioner.image_size == 24
    # Numbers in place of words: special tokens, which models of random weights say, show too.
    monkeypatch.setattr(captioner._model, "text", lambda words: " ".join(map(str, words)))
    (found,) = captioner.describe(EXEMPLARS, [1], search, seed=0)
    assert 4 <= len(found) <= 6
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    crops = masked_crops(EXEMPLARS, 1)
    grey = [np.full((24, 24, 3), 128, np.uint8)]
    for one in found:
        assert one.score == pytest.approx(one.log_p - 0.3 * one.log_prior, abs=1e-9)
        words = [int(number) for number in one.text.split()]
        expected = float(np.mean(plain_log_p(folders[kind], kind, crops, words)))
        assert one.log_p == pytest.approx(expected, abs=1e-4)
        (prior,) = plain_log_p(folders[kind], kind, grey, words)
        assert one.log_prior == pytest.approx(prior, abs=1e-4)


@pytest.mark.parametrize("kind", SAVE)
def test_scoring_equals_a_plain_loop(folders, loaded, kind):
    """Of any sentence, whether the model would have said it or not, and special tokens too."""
    model = loaded[kind]._model
    images = np.stack([EXEMPLARS.table[i] for i in range(3)])
    sentences = [(7, 9), (), (8, 3, 11, 12, 6), (PAD, 5)]
    found = model.log_p(model.see(images), sentences)
    assert found.shape == (3, 4)
    for column, words in enumerate(sentences):
        expected = plain_log_p(folders[kind], kind, images, words)
        np.testing.assert_allclose(found[:, column], expected, atol=1e-4)
    assert np.ptp(found[:, 0]) > 1e-3  # the images matter


@pytest.mark.parametrize("kind", SAVE)
@pytest.mark.parametrize("strategy", ["rerank", "beam", "sample", "greedy"])
def test_batches_change_nothing(loaded, one_by_one, kind, strategy):
    search = Search(strategy, beam=5)
    whole = loaded[kind].describe(EXEMPLARS, [0, 1, 2], search, seed=3)
    other = one_by_one[kind]
    parts = [other.describe(EXEMPLARS, [unit], search, seed=3)[0] for unit in (2, 0, 1)]
    for one, two in zip(whole, [parts[1], parts[2], parts[0]], strict=True):
        assert [c.text for c in one] == [c.text for c in two]
        for name in ("log_p", "log_prior", "score"):
            first, second = ([getattr(c, name) for c in unit] for unit in (one, two))
            np.testing.assert_allclose(first, second, atol=1e-5)


def test_the_weight_of_the_prior_changes_the_order(loaded):
    for captioner in loaded.values():
        plain, weighed = (
            captioner.describe(EXEMPLARS, [0], Search("rerank", 8, weight), seed=0)[0]
            for weight in (0.0, 1.0)
        )
        assert {c.text for c in plain} == {c.text for c in weighed}
        assert [c.log_p for c in plain] == sorted((c.log_p for c in plain), reverse=True)
        for one in plain:
            assert one.score == one.log_p
        if [c.text for c in plain] != [c.text for c in weighed]:
            return
    pytest.fail("no order changed")


def test_without_a_prior(folders):
    captioner = part(folders["blip"], prior="none").load("cpu")
    assert not captioner.has_prior
    (found,) = captioner.describe(EXEMPLARS, [0], Search("rerank", 4, 0.5), seed=0)
    assert all(math.isnan(one.log_prior) and one.score == one.log_p for one in found)


def test_greedy_is_the_likeliest_word_at_each_step(folders, loaded):
    from transformers import AutoImageProcessor, AutoModelForImageTextToText

    for kind, folder in folders.items():
        model = AutoModelForImageTextToText.from_pretrained(folder).eval()
        processor = AutoImageProcessor.from_pretrained(folder)
        crop = Image.fromarray(masked_crops(EXEMPLARS, 2)[0]).resize((24, 24), 3)
        pixels = processor(images=crop, return_tensors="pt")["pixel_values"]
        name = "decoder_input_ids" if kind == "encoder_decoder" else "input_ids"
        given = [START[kind]]
        while len(given) < 6 and given[-1] != SEP:
            with torch.inference_mode():
                logits = model(pixel_values=pixels, **{name: torch.tensor([given])}).logits[0, -1]
            given.append(int(logits.argmax()))
        words = [word for word in given[1:] if word != SEP]
        assert loaded[kind]._model.search(pixels, 1) == [tuple(words)]


def test_sampling_follows_seed_and_unit(loaded):
    captioner = loaded["git"]
    search = Search("sample", 12, 0.0)
    units = [0, 1]
    state = torch.get_rng_state()
    one = captioner.describe(EXEMPLARS, units, search, seed=1)
    assert torch.equal(torch.get_rng_state(), state)
    assert captioner.describe(EXEMPLARS, units, search, seed=1) == one
    two = captioner.describe(EXEMPLARS, units, search, seed=2)
    assert {c.text for c in one[0]} != {c.text for c in two[0]}
    assert all(len({c.text for c in unit}) == len(unit) <= 12 for unit in one)


@pytest.mark.parametrize("kind", SAVE)
def test_the_prompt_leads_but_is_not_said(folders, kind):
    captioner = part(folders[kind], prompt="a picture of").load("cpu")
    model = captioner._model
    prefix = words_of("a picture of")
    assert model.dialect.prefix == (START[kind], *prefix)
    images = EXEMPLARS.table[:2]
    found = model.log_p(model.see(images), [(7, 9)])
    expected = plain_log_p(folders[kind], kind, images, (7, 9), prefix)
    np.testing.assert_allclose(found[:, 0], expected, atol=1e-4)
    greedy = model.search(model.see(images)[0], 1)
    assert all(len(words) <= 5 for words in greedy)
    (said,) = captioner.describe(EXEMPLARS, [0], Search("beam", 4), seed=0)
    assert not any(one.text.startswith("A picture of") for one in said)


def test_units_without_any_mask_have_no_sentence(loaded):
    exemplars = make_exemplars(units=2, k=4, size=24)
    exemplars.made_masks[0] = False
    exemplars.made_masks[1, 0] = False
    found = loaded["blip"].describe(exemplars, [0, 1], Search("beam", 3), seed=0)
    assert found[0] == []
    assert found[1]
    small = make_exemplars(units=1, size=16)
    with pytest.raises(ValueError, match="16 pixels"):
        loaded["blip"].describe(small, [0], Search(), seed=0)


def test_the_vision_part_is_itself_again_afterwards(loaded):
    model = loaded["blip"]._model
    before = model.see(EXEMPLARS.table[:2])[1]
    model.log_p(model.see(EXEMPLARS.table[2:4]), [(7,)])
    assert torch.equal(model.see(EXEMPLARS.table[:2])[1], before)


def test_models_whose_vision_part_is_not_known_are_scored_alike(loaded):
    import dataclasses

    for captioner in loaded.values():
        model = captioner._model
        known = model.log_p(model.see(EXEMPLARS.table[:2]), [(7, 9), (8,)])
        dialect = model.dialect
        try:
            model.dialect = dataclasses.replace(dialect, vision="")
            seen = model.see(EXEMPLARS.table[:2])
            assert seen[1] is None
            np.testing.assert_allclose(model.log_p(seen, [(7, 9), (8,)]), known, atol=1e-5)
        finally:
            model.dialect = dialect
