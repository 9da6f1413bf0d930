"""INVERT: the beam by AUROC against plain loops, and as a method."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch
from scipy.stats import mannwhitneyu
from sklearn.metrics import roc_auc_score

from baselines.base import Evidence
from baselines.composition import ranked
from baselines.composition.formula import holds, text
from baselines.composition.ranked import Limits, rank_deviations, search_by_rank
from baselines.invert import Invert
from baselines.spatial import ImageMasks, MaskLabel
from metrics.numeric import midranks

GOLDEN = torch.tensor([0.95, 0.8, 0.7, 0.6, 0.4, 0.35, 0.2, 0.1])[:, None]
PRESENCE = torch.tensor(
    [[1, 1, 0, 1, 0, 0, 0, 0], [0, 0, 1, 0, 1, 0, 0, 0], [1, 0, 0, 0, 0, 1, 0, 1]]
).T.bool()
NAMES = ["a", "b", "c"]
WIDE = Limits(beam=3, max_length=3, min_fraction=0, max_fraction=0.5)


class Labels:
    """Image labels as masks: some of the whole image, some of pixels."""

    mask_size = (2, 2)
    categories = ("object",)

    def __init__(self, presence):
        self._presence = presence.numpy()
        self.labels = tuple(MaskLabel(f"l{n}", "object") for n in range(presence.shape[1]))

    def __len__(self):
        return len(self._presence)

    def image(self, index):
        shown = np.flatnonzero(self._presence[index])
        planes = np.full((len(shown[1:]), 2, 2), -1, np.int32)
        for plane, label in zip(planes, shown[1:], strict=True):
            plane[0, 1] = label
        return ImageMasks(planes, tuple(int(n) for n in shown[:1]))


def random_inputs(n=60, units=5, labels=6, seed=0):
    rng = np.random.default_rng(seed)
    presence = torch.from_numpy(rng.random((n, labels)) < 0.3)
    signal = presence[:, :1].float() + presence[:, 1:2].float() * ~presence[:, 2:3]
    noise = torch.from_numpy(rng.normal(size=(n, units))).float()
    return signal + noise, presence


def test_golden():
    """The published code has "ca & cc" twice, then three times."""
    first, _ = search_by_rank(GOLDEN, PRESENCE, Limits(3, 1, 0, 0.5))
    assert [(text(one.formula, NAMES), round(one.auroc, 6)) for one in first[0]] == [
        ("a", 0.933333), ("b", 0.583333), ("c", 0.4),
    ]  # fmt: skip
    [beam], _ = search_by_rank(GOLDEN, PRESENCE, WIDE)
    assert text(beam[0].formula, NAMES) == "(a AND c)"
    assert (beam[0].auroc, beam[0].images, beam[0].length) == (1, 1, 2)
    sets = {tuple(holds(one.formula, PRESENCE).tolist()) for one in beam}
    assert len(sets) == len(beam) == 3


def test_raw_values_are_ranked():
    """A sigmoid in float32 would make 50, 40 and 30 equal, and the area 2/3."""
    activations = torch.tensor([[50.0], [40], [30], [-1]])
    presence = torch.tensor([[True], [False], [False], [False]])
    [[best]], _ = search_by_rank(activations, presence, Limits(1, 1, 0, 1))
    assert best.auroc == 1


def plain_area(images, column):
    """Return the share of pairs in which the image with the formula is higher, ties half."""
    gaps = column[images][:, None] - column[~images]
    return ((gaps > 0) + 0.5 * (gaps == 0)).mean()


def plain_beam(column, presence, limits):
    """Return the scores of the beam: every candidate by its pairs, distinct by images."""
    labels = presence.shape[1]
    literals = [presence[:, c] for c in range(labels)] + [~presence[:, c] for c in range(labels)]
    literals = [each for c in range(labels) for each in (literals[c], literals[labels + c])]

    def keep(entries):
        found = {}
        for images, length in entries:
            share = images.mean()
            if 0 < share < 1 and limits.min_fraction <= share <= limits.max_fraction:
                value = (plain_area(images, column), -length)
                if images.tobytes() not in found or found[images.tobytes()][0] < value:
                    found[images.tobytes()] = (value, images)
        best = sorted(found.values(), key=lambda one: one[0], reverse=True)[: limits.beam]
        return [(images, -value[1]) for value, images in best]

    beam = keep((images, 1) for images in literals)
    for _ in range(limits.max_length - 1):
        wider = [
            (operator(images, literal), length + 1)
            for (images, length), literal in product(beam, literals)
            for operator in (np.logical_and, np.logical_or)
        ]
        beam = keep([*beam, *wider])
    return [plain_area(images, column) for images, _ in beam]


@pytest.mark.parametrize(
    "limits", [WIDE, Limits(2, 3, 0.1, 0.4), Limits(5, 2, 0, 1), Limits(1, 1, 0, 1)]
)
@pytest.mark.parametrize("tile", [1, 2**26])
def test_beams_equal_the_plain_search(monkeypatch, limits, tile):
    monkeypatch.setattr(ranked, "_ELEMENTS", (tile, tile))
    monkeypatch.setattr(ranked, "_CONSIDERED", 1 if tile == 1 else 8)
    activations, presence = random_inputs(units=2)
    activations[:, 1] = activations[:, 1].round()  # ties
    beams, compared = search_by_rank(activations, presence, limits)
    for column, beam, count in zip(activations.T.double().numpy(), beams, compared, strict=True):
        expected = plain_beam(column, presence.numpy(), limits)
        assert [one.auroc for one in beam] == pytest.approx(expected, abs=1e-9)
        for one in beam:
            images = holds(one.formula, presence).numpy()
            assert one.auroc == pytest.approx(roc_auc_score(images, column), abs=1e-12)
            assert one.images == images.sum()
        assert count >= len(beam)


def test_rank_deviations_are_midranks():
    activations = torch.tensor([[3.0, 1], [1, 1], [3, 2], [-5, 0]])
    expected = [2 * midranks(column) - 5 for column in activations.T.numpy()]
    assert np.allclose(rank_deviations(activations).numpy(), expected)


def test_the_shorter_formula_wins_ties():
    """ "a" is perfect by itself: no formula of two labels may take its place."""
    [beam], _ = search_by_rank(PRESENCE[:, :1].float(), PRESENCE, WIDE)
    assert (text(beam[0].formula, NAMES), beam[0].auroc) == ("a", 1)


def test_disjoint_labels_do_not_fill_the_beam_with_copies():
    """(a AND (NOT l)) is a for each of many labels l that never occur with a."""
    classes = torch.arange(200) % 50
    presence = classes[:, None] == torch.arange(50)
    activations = ((classes == 7) | (classes == 9)).float()[:, None]
    names = [f"l{n}" for n in range(50)]
    [beam], _ = search_by_rank(activations, presence, Limits(3, 2, 0, 0.5))
    assert text(beam[0].formula, names) in {"(l7 OR l9)", "(l9 OR l7)"}
    assert beam[0].auroc == 1
    assert len({tuple(holds(one.formula, presence).tolist()) for one in beam}) == 3


def test_as_a_method():
    activations, presence = random_inputs(units=3)
    activations = torch.cat([activations, torch.ones(60, 1), activations[:, :1]], dim=1)
    activations[0, 4] = torch.nan
    found = Invert().describe(
        Evidence(activations=activations, concepts=(), masks=Labels(presence)), seed=0
    )
    assert [len(said) for said in found.texts] == [3, 3, 3, 0, 0]
    assert found.counts == {"silent_units": 0}
    table = found.tables["formulas"]
    assert table.unit.tolist() == [0, 1, 2, 3, 4]
    assert table.label[3:].tolist() == ["", ""]
    assert table.p_value.isna().tolist() == [False] * 3 + [True] * 2
    limits = Limits(3, 3, 0.002, 0.5)
    beams, compared = search_by_rank(activations[:, :3], presence, limits)
    for row, beam in zip(table[:3].itertuples(), beams, strict=True):
        images = holds(beam[0].formula, presence).numpy()
        column = activations[:, row.unit].numpy()
        p = mannwhitneyu(column[images], column[~images], method="asymptotic").pvalue
        assert row.p_value == pytest.approx(p)
        assert row.p_corrected == pytest.approx(min(1, p * sum(compared)))
        assert row.auroc == found.texts[row.unit][0][1] == beam[0].auroc
        assert row.label == found.texts[row.unit][0][0]


def test_no_formula_within_the_limits():
    evidence = Evidence(activations=GOLDEN, concepts=(), masks=Labels(PRESENCE))
    found = Invert(min_fraction=0.9, max_fraction=1.0).describe(evidence, seed=0)
    assert found.texts == [[]]
    assert found.counts == {"silent_units": 1}
    assert found.tables["formulas"].label.tolist() == [""]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"beam": 0}, "beam must be an integer"),
        ({"max_length": 1.5}, "max_length must be an integer"),
        ({"min_fraction": -0.1}, "min_fraction must be in"),
        ({"max_fraction": 2}, "max_fraction must be in"),
    ],
)
def test_refused_parameters(parameters, message):
    with pytest.raises(ValueError, match=message):
        Invert(**parameters)


def test_refused_evidence():
    with pytest.raises(ValueError, match="masks are missing"):
        Invert().describe(Evidence(activations=GOLDEN, concepts=()), seed=0)
    evidence = Evidence(activations=GOLDEN[:4], concepts=(), masks=Labels(PRESENCE))
    with pytest.raises(ValueError, match="8 images have masks, 4 activations"):
        Invert().describe(evidence, seed=0)
