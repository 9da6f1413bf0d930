"""Hugging Face's captioning models from folders as transformers writes them."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from functools import cache

import numpy as np
import pytest
import torch
from PIL import Image

from baselines.captions import Search
from baselines.exemplar_images import masked_crops
from bench.downloads.hub import models as hub
from bench.errors import UserError
from bench.parts.captioners import HuggingFaceCaptioner
from bench.parts.captioners.from_crops import CropCaptioner, tidy
from bench.parts.protocols import CaptionerPart
from bench.parts.registry import Registry
from tests.baselines.exemplars_made import make_exemplars
from tests.bench.parts.captioners.tiny_models import BOS, CLS, PAD, SAVE, SEP, WORDS

WORD = WORDS.split()
EXEMPLARS = make_exemplars(units=3, k=4, size=24)
START = {"blip": BOS, "git": CLS, "encoder_decoder": CLS}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    found = {}
    for kind, save in SAVE.items():
        found[kind] = tmp_path_factory.mktemp(kind)
        save(found[kind])
    return found


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


def part(folder, **options):
    return HuggingFaceCaptioner(
        model=str(folder), **{"image_size": 24, "max_length": 5, "sources": 2, **options}
    )


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


class Toy:
    """A model of three sentences whose probabilities are those of METHODS' tiny check."""

    def see(self, images):
        return torch.zeros(len(images), 1, 1, 1), torch.full(
            (len(images), 1, 1), float(images.std() == 0)
        )

    def search(self, pixels, n):
        return [(1,), (2,), (3,)][:n] * len(pixels)

    def sample(self, pixels, n, seed):
        return [(3,)] * n

    def log_p(self, seen, sentences):
        blank = bool(seen[1][0] > 0)
        table = {(1,): (-2, -1), (2,): (-2.3, -4), (3,): (-3, -9)}
        return np.array([[table[s][blank] for s in sentences]] * len(seen[0]), dtype=float)

    def text(self, words):
        return f"sentence {words[0]}"


@pytest.mark.parametrize(("weight", "best", "score"), [(0.0, 1, -2.0), (0.2, 3, -1.2)])
def test_pmi_by_hand(weight, best, score):
    captioner = CropCaptioner(Toy(), image_size=24, background="mean", has_prior=True, sources=1)
    (found,) = captioner.describe(EXEMPLARS, [0], Search("rerank", 3, weight), seed=0)
    assert found[0].text == f"Sentence {best}"
    assert found[0].score == pytest.approx(score)
    # The likeliest `beam` sentences alone are put in order.
    (found,) = captioner.describe(EXEMPLARS, [0], Search("rerank", 2, weight), seed=0)
    assert len(found) == 2
    assert "Sentence 3" not in [one.text for one in found]
    # Beams go by likelihood alone, and one sentence is drawn three times.
    (found,) = captioner.describe(EXEMPLARS, [0], Search("beam", 3, weight), seed=0)
    assert [one.text[-1] for one in found] == ["1", "2", "3"]
    (found,) = captioner.describe(EXEMPLARS, [0], Search("sample", 3, weight), seed=0)
    assert [(one.text, one.score) for one in found] == [("Sentence 3", -3 + weight * 9)]


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


def test_sentences_are_shown_tidily():
    assert tidy(" a dog , on  water . ") == "A dog, on water."
    assert tidy("blue - green t - shirt") == "Blue-green t-shirt"
    assert tidy("  ") == ""


def test_it_fits_the_registry_and_its_parameters_are_checked(folders):
    paths = {"hf": "bench.parts.captioners:HuggingFaceCaptioner"}
    parts = Registry("captioner", "captioners", CaptionerPart, paths)
    assert parts.build("hf", {"model": "x"}).given == "captions"
    with pytest.raises(UserError, match="needs a value"):
        parts.build("hf", {})
    wrong = (
        {"max_length": 0}, {"image_size": 0}, {"sources": 0}, {"precision": "float8"},
        {"prior": "x"}, {"background": "black"},
    )  # fmt: skip
    for params in wrong:
        with pytest.raises(UserError):
            parts.build("hf", {"model": str(folders["git"]), **params})


def test_fingerprint_needs_no_torch_and_loading_no_connection(folders):
    code = f"""
import socket, sys
def refuse(*_, **__): raise AssertionError("a socket was opened")
socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse
from bench.parts.captioners import HuggingFaceCaptioner
part = HuggingFaceCaptioner({str(folders["blip"])!r})
part.fingerprint()
assert "torch" not in sys.modules
part.load("cpu")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def copy(folder, to):
    to.mkdir(exist_ok=True)
    for file in folder.iterdir():
        (to / file.name).write_bytes(file.read_bytes())
    return to


def test_each_setting_and_file_shows_in_the_fingerprint(folders, tmp_path):
    folder = folders["git"]
    changed = [
        {"prompt": "a"}, {"image_size": 25}, {"precision": "bfloat16"}, {"max_length": 6},
        {"background": "grey"}, {"prior": "none"}, {"sources": 3},
    ]  # fmt: skip
    found = [part(folder, **each).fingerprint() for each in ({}, *changed)]
    other = copy(folder, tmp_path / "copy")
    assert part(other).fingerprint() == found[0]
    for name in ("model.safetensors", "tokenizer.json", "generation_config.json"):
        file = other / name
        file.write_bytes(file.read_bytes()[:-1] + b"x")
        found.append(part(other).fingerprint())
    (other / "merges.txt").write_text("a b")
    found.append(part(other).fingerprint())
    assert all(found.count(each) == 1 for each in found)
    assert json.loads(json.dumps(found[0])) == found[0]


def test_other_models_and_damaged_folders_are_refused(folders, tmp_path):
    with pytest.raises(UserError, match="there is no folder") as caught:
        part("./missing").fingerprint()
    assert caught.value.where == "captioner.params.model"
    with pytest.raises(UserError, match=r"contains no config\.json"):
        part(tmp_path).load("cpu")
    for name in ("model.safetensors", "tokenizer.json", "config.json"):
        other = copy(folders["blip"], tmp_path / name)
        (other / name).write_bytes(b"{")
        with pytest.raises(UserError):
            part(other).load("cpu")
        (other / name).unlink()
        with pytest.raises(UserError):
            part(other).load("cpu")


def test_weights_left_at_random_are_refused(folders, tmp_path):
    from safetensors.torch import load_file, save_file

    other = copy(folders["encoder_decoder"], tmp_path / "copy")
    kept = load_file(other / "model.safetensors")
    lacking = {name: value for name, value in kept.items() if "crossattention" not in name}
    assert len(lacking) < len(kept)
    save_file(lacking, other / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(UserError, match="would be random"):
        part(other).load("cpu")
    # Published captioners lack their poolers, which nothing reads.
    poolers = {name: value for name, value in kept.items() if ".pooler." not in name}
    assert len(poolers) < len(kept)
    save_file(poolers, other / "model.safetensors", metadata={"format": "pt"})
    assert part(other).load("cpu").has_prior


def test_chat_models_are_refused(folders, tmp_path, monkeypatch):
    from transformers import BlipForConditionalGeneration

    def refuse(self, *_, **__):
        raise ValueError("image tokens and features do not match")

    monkeypatch.setattr(BlipForConditionalGeneration, "forward", refuse)
    with pytest.raises(UserError, match="without further input"):
        part(folders["blip"]).load("cpu")


def test_a_model_on_the_hub_is_known_by_its_commit(folders, tmp_path, monkeypatch):
    snapshot = tmp_path / "snapshots" / ("a" * 40)
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").write_bytes((folders["git"] / "config.json").read_bytes())
    monkeypatch.setattr(hub, "_download_config", lambda name, *_: snapshot / "config.json")
    found = HuggingFaceCaptioner("someone/model").fingerprint()
    assert found["model"] == {"hub": "someone/model", "commit": "a" * 40}
