"""MILAN and MILAN with an image-text encoder, on captioners that say what the test tells them."""

from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import dataclass, field

import numpy as np
import pytest
import torch

from baselines.base import Evidence, Method
from baselines.captions import Candidate, Search
from baselines.exemplar_images import masked_images
from baselines.milan import Milan, MilanClip, embed_exemplars
from baselines.spatial import ExemplarRule
from bench.errors import UserError
from bench.parts.registry import Registry
from tests.baselines.exemplars_made import make_exemplars


@dataclass
class FakeCaptioner:
    sentences: dict
    has_prior: bool = True
    image_size: int = 16
    calls: list = field(default_factory=list)

    def describe(self, exemplars, units, search, *, seed, progress=False):
        self.calls.append((list(units), search, seed))
        return [self.sentences.get(unit, []) for unit in units]


class FakeImageText:
    """Embeds an image as its mean colour, a text as the channel that it names."""

    def __init__(self):
        self.seen = 0

    def images(self, images):
        assert images.dtype == np.uint8
        self.seen += len(images)
        return torch.from_numpy(images.mean(axis=(1, 2))).float()

    def texts(self, texts):
        return torch.eye(3)[[("red", "green", "blue").index(text) for text in texts]]


def said(*texts):
    return [Candidate(text, -1.0 - i, -2.0, 1.0 - i) for i, text in enumerate(texts)]


def evidence(exemplars, **given):
    activations = torch.rand(6, len(exemplars.ids), generator=torch.Generator().manual_seed(0))
    activations[:, exemplars.ids[:, 0] < 0] = 0
    return Evidence(activations=activations, concepts=(), exemplars=exemplars, **given)


def test_they_are_methods_and_import_no_torch():
    for method in (Milan(), MilanClip()):
        assert isinstance(method, Method)
        assert hash(method) == hash(type(method)())
        assert method.vocabulary == "free text"
        assert method.exemplar_rule == ExemplarRule(15, 0.99)
    assert Milan().needs == {"activations", "exemplars", "captioner"}
    assert MilanClip().needs == Milan().needs | {"image_text"}
    assert (MilanClip().strategy, MilanClip().pmi_weight, MilanClip().mix) == ("rerank", 0.2, 0.5)
    code = "import sys, baselines.milan as m; m.MilanClip(); sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_parameters_are_checked_by_the_registry():
    paths = {"milan": "baselines.milan:Milan", "c": "baselines.milan:MilanClip"}
    methods = Registry("method", "methods", Method, paths)
    assert methods.build("milan", {"strategy": "greedy", "pmi_weight": 0}) == Milan(
        strategy="greedy", pmi_weight=0.0
    )
    assert methods.build("c", {"mix": 1}).mix == 1.0
    wrong = (
        ("milan", {"strategy": "best"}), ("milan", {"beam": 0}), ("milan", {"top_k": 0}),
        ("milan", {"quantile": 1.0}), ("milan", {"pmi_weight": -1.0}), ("milan", {"mix": 0.5}),
        ("c", {"mix": 2.0}),
    )  # fmt: skip
    for name, params in wrong:
        with pytest.raises(UserError):
            methods.build(name, params)


def test_live_units_get_their_sentences_in_order():
    exemplars = make_exemplars(units=5, dead=(1,))
    captioner = FakeCaptioner({0: said("a", "b"), 2: said(*"abcdefghijkl"), 4: []})
    captioner.sentences[3] = said("c")
    method = Milan(top_k=3, strategy="sample", beam=7, pmi_weight=0.4, official_lm_score=True)
    labels = method.describe(evidence(exemplars, captioner=captioner), seed=11)
    assert captioner.calls == [([0, 2, 3, 4], Search("sample", 7, 0.4, True), 11)]
    assert labels.scores is None
    assert labels.concepts == ()
    assert [len(unit) for unit in labels.texts] == [2, 0, 10, 1, 0]
    assert labels.texts[0] == [("a", 1.0), ("b", 0.0)]
    assert labels.counts == {"silent_units": 1}
    assert labels.notes == ()
    table = labels.tables["candidates"]
    assert list(table.columns) == ["unit", "rank", "text", "score", "log_p", "log_prior"]
    assert len(table) == 15
    assert table.loc[3].tolist() == [2, 1, "b", 0.0, -2.0, -2.0]


def test_what_is_clamped_or_left_aside_is_noted():
    exemplars = make_exemplars()
    captioner = FakeCaptioner({}, has_prior=False)
    labels = Milan().describe(evidence(exemplars, captioner=captioner), seed=0)
    assert len(labels.notes) == 2
    assert "15 to 3" in labels.notes[0]
    assert "log p(s)" in labels.notes[1]
    labels = Milan(top_k=3, pmi_weight=0.0).describe(
        evidence(exemplars, captioner=captioner), seed=0
    )
    assert labels.notes == ()


def test_missing_evidence_is_named():
    exemplars = make_exemplars()
    with pytest.raises(ValueError, match="are missing"):
        Milan().describe(evidence(exemplars), seed=0)
    with pytest.raises(ValueError, match="image_text"):
        MilanClip().describe(evidence(exemplars, captioner=FakeCaptioner({})), seed=0)
    short = Evidence(
        activations=torch.rand(6, 3), concepts=(), exemplars=exemplars, captioner=FakeCaptioner({})
    )
    with pytest.raises(ValueError, match="3 units"):
        Milan().describe(short, seed=0)


def test_the_encoder_looks_through_the_mask():
    exemplars = make_exemplars(units=2, dead=(1,))
    # Unit 0 fires on a small blue spot of an otherwise red image.
    exemplars.table[:] = (200, 0, 0)
    exemplars.table[:, :4, :4] = (0, 0, 200)
    exemplars.made_masks[0] = False
    exemplars.made_masks[0, :, :4, :4] = True
    captioner = FakeCaptioner({0: said("red", "blue", "green")})

    def best(mix):
        given = evidence(exemplars, captioner=captioner, image_text=FakeImageText())
        return MilanClip(mix=mix).describe(given, seed=0)

    labels = best(1.0)
    assert [text for text, _ in labels.texts[0]] == ["red", "blue", "green"]
    assert labels.texts[1] == []
    # Outside the spot the mean colour (188, 0, 13) is painted; closed form of the masked cosine.
    red, blue = 15 / 16 * 188, (200 + 15 * 13) / 16
    expected = 3 * blue / math.hypot(red, blue)
    scores = dict(best(0.0).texts[0])
    assert scores["blue"] == pytest.approx(expected, abs=1e-5)
    whole = 3 * 12.5 / math.hypot(12.5, 187.5)
    assert dict(best(0.25).texts[0])["blue"] == pytest.approx(
        0.75 * expected + 0.25 * whole, abs=1e-5
    )


def test_whole_images_are_embedded_once_and_empty_masks_not_at_all():
    exemplars = make_exemplars(units=4, dead=(2,))
    exemplars.made_masks[3, 1] = False
    encoder = FakeImageText()
    masked, unmasked = embed_exemplars(encoder, exemplars, [0, 1, 3])
    used = len(np.unique(exemplars.ids[[0, 1, 3]]))
    assert encoder.seen == used + 8
    assert torch.isnan(masked).all(dim=2).nonzero().tolist() == [[2, 1]]
    for row, unit in enumerate((0, 1, 3)):
        expected = FakeImageText().images(exemplars.images(exemplars.ids[unit]))
        torch.testing.assert_close(unmasked[row], expected)
    expected = FakeImageText().images(masked_images(exemplars, 1))
    torch.testing.assert_close(masked[1], expected)


def test_a_layer_without_live_units():
    exemplars = make_exemplars(units=2, dead=(0, 1))
    given = evidence(exemplars, captioner=FakeCaptioner({}), image_text=FakeImageText())
    assert MilanClip().describe(given, seed=0).texts == [[], []]
    assert Milan().describe(given, seed=0).texts == [[], []]
