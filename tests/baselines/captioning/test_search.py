"""Searches against unbatched, uncached loops; and what must not matter."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from baselines.captioning import search
from baselines.captioning.ranking import first_best, pmi_order
from tests.baselines.captioning import reference
from tests.baselines.captioning.tiny import make_decoder, make_features, make_language_model

STOP = 10


def spoken(found, unit):
    """[(score, log p, tokens up to the stop)] of a unit."""
    rows = []
    for place, score in enumerate(found.scores[unit].tolist()):
        if score > -np.inf:
            said = found.tokens[unit, place].tolist()
            if STOP in said:
                end = said.index(STOP) + 1
                assert set(said[end:]) <= {STOP}
                said = said[:end]
            rows.append((score, float(found.log_p[unit, place]), tuple(said)))
    return rows


def same(found, expected):
    """As (score, log p, tokens) rows."""
    assert [row[2] for row in found] == [row[2] for row in expected]
    for column in (0, 1):
        values = [row[column] for row in found], [row[column] for row in expected]
        np.testing.assert_allclose(*values, atol=1e-10)


@pytest.mark.parametrize("weight", [0.0, 0.05])
@pytest.mark.parametrize("width", [1, 4, 11])
@pytest.mark.parametrize("seed", range(3))
def test_beam_and_greedy_equal_the_plain_loops(seed: int, width: int, weight: float) -> None:
    decoder, model, features = make_decoder(seed), make_language_model(seed), make_features(seed)
    p, prior = reference.arrays(decoder), reference.arrays(model)
    options = {"language_model": model, "pmi_weight": weight}
    found = search.beam(decoder, features, width=width, **options)
    if width == 1:
        alone = search.greedy(decoder, features, **options)
        assert torch.equal(alone.tokens, found.tokens)
        assert torch.equal(alone.scores, found.scores)
    lengths = set()
    for unit in range(len(features)):
        v = features[unit].numpy()
        expected = []
        for score, said in reference.beam(p, v, width, prior, weight):
            log_p = reference.sum_log_p(reference.decoder_steps(p, v, said)[0], said)
            expected.append((score, log_p, said))
        same(spoken(found, unit), expected)
        lengths |= {len(row[2]) for row in expected}
    if width > 1:
        assert len(lengths) > 1  # finished ones wait in the beam for others


@pytest.mark.parametrize("seed", range(3))
def test_rerank_equals_the_plain_loops(seed: int) -> None:
    decoder, model, features = make_decoder(seed), make_language_model(seed), make_features(seed)
    found = search.rerank(decoder, features, model, width=8, pmi_weight=0.7)
    for unit in range(len(features)):
        expected = reference.rerank(
            reference.arrays(decoder), features[unit].numpy(), 8, reference.arrays(model), 0.7
        )
        same(spoken(found, unit), expected)
    likeliest = search.beam(decoder, features, width=8)
    assert not torch.equal(found.tokens, likeliest.tokens)
    torch.testing.assert_close(found.scores, found.log_p - 0.7 * found.log_prior)


def test_rerank_of_the_official_score() -> None:
    decoder, model, features = make_decoder(0), make_language_model(0), make_features(0)
    found = search.rerank(decoder, features, model, width=8, pmi_weight=0.7, official_lm_score=True)
    prior = reference.arrays(model)
    for unit in range(len(features)):
        for place in range(8):
            said = found.tokens[unit, place].tolist()
            end = said.index(STOP) + 1 if STOP in said else 15
            steps = reference.prior_steps(prior, said)
            longer = reference.sum_log_p(steps, said[: end + 1])
            score = float(found.log_p[unit, place]) - 0.7 * longer
            assert float(found.scores[unit, place]) == pytest.approx(score)
            right = reference.sum_log_p(steps, said[:end])
            assert float(found.log_prior[unit, place]) == pytest.approx(right)


def test_pmi_changes_the_order_of_the_published_check() -> None:
    """log p -2, -2.3, -3 and log p_LM -1, -4, -9."""
    log_p, prior = torch.tensor([-2.0, -2.3, -3.0]), torch.tensor([-1.0, -4.0, -9.0])
    scores, order = pmi_order(log_p, prior, 0.2)
    torch.testing.assert_close(scores, torch.tensor([-1.2, -1.5, -1.8]))
    assert order.tolist() == [2, 1, 0]
    assert pmi_order(log_p, prior, 0.0)[1][0] == 0
    assert pmi_order(log_p, prior.fill_(-torch.inf), 0.0)[0].isfinite().all()
    assert pmi_order(torch.zeros(4), torch.zeros(4), 0.2)[1].tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("k", [1, 3, 7, 30])
def test_best_ones_and_ties(k: int) -> None:
    torch.manual_seed(0)
    for high in (2, 5, 100):
        values = torch.randint(0, high, (20, 30)).double()
        values[values == 1] = -torch.inf
        best, index = first_best(values, k)
        order = values.sort(dim=1, descending=True, stable=True).indices[:, :k]
        torch.testing.assert_close(best, values.gather(1, order))
        known = best > -torch.inf
        assert torch.equal(index[known], order[known])


def test_equal_tokens_the_lower_first() -> None:
    decoder = make_decoder(0)
    with torch.no_grad():
        decoder.output.weight.zero_()
        decoder.output.bias.zero_()
    found = search.beam(decoder, make_features(0), width=5, max_length=2)
    assert found.tokens[0].tolist() == [[0, 0], [0, 1], [0, 2], [0, 3], [0, 4]]
    with torch.no_grad():
        decoder.output.bias[STOP] = 1.0  # done at once, and the best of all
    found = search.beam(decoder, make_features(0), width=4, max_length=2)
    assert found.tokens[0].tolist() == [[STOP, STOP], [0, STOP], [1, STOP], [2, STOP]]


@pytest.mark.parametrize("strategy", ["beam", "greedy", "pmi", "rerank", "sample"])
def test_batches_and_order_of_units_change_nothing(strategy: str) -> None:
    decoder, model = make_decoder(4), make_language_model(4)
    features = make_features(4, units=7)

    def found(order, batch_size):
        given = features[list(order)]
        if strategy == "sample":
            return search.sample(decoder, given, order, seed=3, count=6, batch_size=batch_size)
        if strategy == "rerank":
            return search.rerank(decoder, given, model, width=6, batch_size=batch_size)
        if strategy == "greedy":
            return search.greedy(decoder, given, batch_size=batch_size)
        weight = 0.3 if strategy == "pmi" else 0.0
        return search.beam(
            decoder, given, width=6, language_model=model, pmi_weight=weight,
            batch_size=batch_size,
        )  # fmt: skip

    whole = found(range(7), None)
    for order, batch_size in ((range(7), 1), (range(7), 3), ([4, 2, 6, 0, 1, 3, 5], 2)):
        other = found(order, batch_size)
        assert torch.equal(other.tokens, whole.tokens[list(order)])
        torch.testing.assert_close(other.scores, whole.scores[list(order)])
        torch.testing.assert_close(other.log_p, whole.log_p[list(order)])


def test_samples_are_drawn_from_p() -> None:
    """Reproducible by seed and unit; frequencies near p, log p that of the formulas."""
    decoder, features = make_decoder(1, sharp=1.0, stop=0.5), make_features(1)
    found = search.sample(decoder, features, [0, 1, 2], seed=1, count=4000, max_length=3)
    again = search.sample(decoder, features, [0, 1, 2], seed=1, count=4000, max_length=3)
    assert torch.equal(found.tokens, again.tokens)
    other = search.sample(decoder, features, [0, 1, 2], seed=2, count=4000, max_length=3)
    assert not torch.equal(found.tokens, other.tokens)
    moved = search.sample(decoder, features, [0, 5, 2], seed=1, count=4000, max_length=3)
    assert torch.equal(moved.tokens[[0, 2]], found.tokens[[0, 2]])
    assert not torch.equal(moved.tokens[1], found.tokens[1])
    p = reference.arrays(decoder)
    for unit in range(3):
        first = np.exp(reference.decoder_steps(p, features[unit].numpy(), ())[0][0])
        first[[9, 11, 12]] = 0
        first /= first.sum()
        seen = np.bincount(found.tokens[unit, :, 0].numpy(), minlength=13) / 4000
        assert np.abs(seen - first).max() < 5 * np.sqrt(0.25 / 4000)
        word = int(first[:9].argmax())
        after = np.exp(reference.decoder_steps(p, features[unit].numpy(), (word,))[0][1])
        after[[9, 11, 12]] = 0
        after /= after.sum()
        chosen = found.tokens[unit, found.tokens[unit, :, 0] == word, 1].numpy()
        seen = np.bincount(chosen, minlength=13) / len(chosen)
        assert np.abs(seen - after).max() < 5 * np.sqrt(0.25 / len(chosen))
        for score, log_p, said in spoken(found, unit)[:5]:
            steps = reference.decoder_steps(p, features[unit].numpy(), said)[0]
            assert score == log_p == pytest.approx(reference.sum_log_p(steps, said))


@pytest.mark.parametrize("sharp", [0.5, 20.0])
def test_nothing_silent_is_said(sharp: float) -> None:
    decoder, features = make_decoder(2, sharp=sharp), make_features(2)
    with torch.no_grad():
        decoder.output.bias[[9, 11, 12]] += 5.0  # they would be the likeliest
    for found in (
        search.beam(decoder, features, width=20, max_length=4),
        search.sample(decoder, features, [0, 1, 2], seed=0, count=20, max_length=4),
    ):
        assert found.tokens.shape == (3, 20, 4)
        assert not np.isin(found.tokens.numpy(), [9, 11, 12]).any()


def test_a_wide_beam_over_few_words_finds_all_there_is() -> None:
    """Two words, two tokens: [stop], and each word with a stop or a word behind it."""
    decoder, features = make_decoder(0, words=2), make_features(0)
    found = search.beam(decoder, features, width=50, max_length=2)
    for unit in range(3):
        finite = found.scores[unit] > -torch.inf
        assert finite.tolist() == [True] * 7 + [False] * 43
        assert len(found.tokens[unit, finite].unique(dim=0)) == 7
        assert not found.scores[unit].isnan().any()
    assert (found.log_p == -torch.inf).sum() == 3 * 43


def test_no_units_and_fewer_exemplars() -> None:
    decoder = make_decoder(0)
    for k in (1, 2):
        found = search.beam(decoder, make_features(0, k=k), width=3)
        assert found.scores.isfinite().all()
    none = search.beam(decoder, make_features(0, units=0), width=3)
    assert none.tokens.shape == (0, 3, 15)
    assert search.sample(decoder, make_features(0, units=0), [], seed=0, count=2).tokens.shape == (
        0, 2, 15,
    )  # fmt: skip
    with pytest.raises(ValueError, match="2 units"):
        search.sample(decoder, make_features(0), [0, 1], seed=0)
