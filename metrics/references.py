"""Scores of sentences against written references: corpus BLEU, and BERTScore rescaled.

Sentences are first lower-cased and stripped of blanks and full stops at their ends, as in MILAN's
evaluation (Hernandez et al., ICLR 2022, official code). A unit may have any number of references;
the official code keeps no more than the unit with the fewest has, as does `official_truncation`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from metrics.scores import Score
from metrics.statistics import bca_mean, bootstrap_interval

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Floats = NDArray[np.float64]

ORDERS = 4
"""BLEU counts n-grams of one to four words."""


LONGEST = 512
"""Tokens of a sentence that BERTScore reads at most."""


def clean(text: str) -> str:
    """Return a sentence in lower case, without blanks and full stops at its ends."""
    return text.lower().strip(". ")


def bleu_statistics(
    predictions: Sequence[str],
    references: Sequence[Sequence[str]],
    *,
    official_truncation: bool = False,
) -> NDArray[np.int64]:
    """Return the statistics of BLEU for each unit; their sum over units is that of the corpus.

    Tokens are sacrebleu's "13a"; the reference length is that of the reference nearest in length.

    Args:
        predictions: One sentence a unit [n]; "" for none.
        references: Its references [n], at least one each.
        official_truncation: Keep no more references than the unit with the fewest has.

    Returns:
        Matching n-grams, n-grams (for n = 1..4 each), length, reference length: int64 [n, 10].
    """
    from sacrebleu.metrics.bleu import BLEU

    _check(predictions, references)
    scorer = BLEU()
    shortest = min(map(len, references), default=0)
    rows = []
    for prediction, texts in zip(predictions, references, strict=True):
        kept = texts[:shortest] if official_truncation else texts
        found = scorer.corpus_score([clean(prediction)], [[clean(text)] for text in kept])
        rows.append([*found.counts, *found.totals, found.sys_len, found.ref_len])
    return np.array(rows, dtype=np.int64).reshape(len(rows), 2 * ORDERS + 2)


def bleu_from_statistics(sums: NDArray[np.integer]) -> Floats:
    """Return BLEU (Papineni et al., 2002) with exponential smoothing of zero counts, as sacrebleu.

    Args:
        sums: Sums of `bleu_statistics` over the units of B corpora, [B, 10].

    Returns:
        B scores from 0 to 1: a hundredth of sacrebleu's.
    """
    matches = sums[:, :ORDERS].astype(np.float64)
    totals = sums[:, ORDERS : 2 * ORDERS].astype(np.float64)
    length, wanted = sums[:, -2].astype(np.float64), sums[:, -1].astype(np.float64)
    # The first order without a match counts as 1/2 of one, the second as 1/4, and so on.
    smoothed = np.where(matches == 0, 0.5 ** np.cumsum(matches == 0, axis=1), matches)
    # The score is 0 without any match, or without any n-gram of some order.
    valid = matches.any(axis=1) & totals.all(axis=1)
    logs = np.log(smoothed / np.where(totals == 0, 1, totals)).mean(axis=1)
    brevity = np.minimum(0, 1 - wanted / np.where(length == 0, 1, length))
    return np.where(valid, np.exp(logs + brevity), 0.0)


def corpus_bleu(
    predictions: Sequence[str],
    references: Sequence[Sequence[str]],
    *,
    seed: int = 0,
    official_truncation: bool = False,
) -> Score:
    """Return corpus BLEU with a percentile bootstrap interval over units.

    Args:
        predictions: One sentence a unit [n]; "" for none, which costs brevity.
        references: Its references [n], at least one each.
        seed: Seed of the resampling.
        official_truncation: See `bleu_statistics`.

    Returns:
        The score, from 0 to 1; it is of the corpus and no mean over units.
    """
    if not predictions:
        return Score(None, reason="no unit has references")
    rows = bleu_statistics(predictions, references, official_truncation=official_truncation)
    value = float(bleu_from_statistics(rows.sum(axis=0, keepdims=True))[0])
    low, high = bootstrap_interval(rows, bleu_from_statistics, seed=seed)
    score = Score(value, low, high, n=len(rows), n_unlabelled=_count_empty(predictions))
    return score if low is not None else replace(score, reason="too few units for an interval")


@dataclass(frozen=True)
class BertScorer:
    """BERTScore (Zhang et al., ICLR 2020), always rescaled.

    Attributes:
        model: A folder of a Hugging Face model, or a name on the hub ("roberta-large").
        layer: The layer whose vectors are compared; 0 for the one that bert-score uses.
        baseline: What unrelated sentences score (precision, recall, F1), which rescaling makes 0;
            empty for bert-score's own English numbers for a model of that name.
        idf: Weigh tokens by their inverse frequency among the references, as MILAN does.
        device: Where the model runs.
    """

    model: str
    layer: int = 0
    baseline: tuple[float, ...] = ()
    idf: bool = True
    device: str = "cpu"

    def __call__(
        self, predictions: Sequence[str], references: Sequence[Sequence[str]], *, seed: int = 0
    ) -> Score:
        """Return the mean F1 over units, rescaled; of several references the best counts.

        Unrelated sentences score 0 on average, and so does a unit without a sentence.

        Args:
            predictions: One sentence a unit [n]; "" for none.
            references: Its references [n], at least one each.
            seed: Seed of the bootstrap.

        Returns:
            The score, with mean precision and recall in its details; None with a reason where the
            optional package or the model is missing.

        Raises:
            ValueError: There is no baseline, or it is not three numbers below 1.
        """
        _check(predictions, references)
        try:
            import bert_score
        except ImportError:
            return Score(None, reason="needs bert-score: pip install 'dissectbench[bertscore]'")
        depth, scale = layer_and_baseline(self.model, self.layer, self.baseline)
        labelled = [number for number, text in enumerate(predictions) if clean(text)]
        rescaled = np.zeros((len(predictions), 3))
        if labelled:
            try:
                scorer = bert_score.BERTScorer(
                    self.model, num_layers=depth, idf=self.idf, device=self.device, nthreads=0
                )
            except OSError as error:
                reason = str(error).strip().partition("\n")[0]
                return Score(
                    None, reason=f"the model {_name(self.model)} cannot be loaded: {reason}"
                )
            # A tokenizer that was saved without a limit has 10^30, which the backend cannot take.
            tokens = scorer._tokenizer
            tokens.model_max_length = min(tokens.model_max_length, LONGEST)
            if self.idf:
                scorer.compute_idf([clean(text) for texts in references for text in texts])
            raw = scorer.score(
                [clean(predictions[number]) for number in labelled],
                [[clean(text) for text in references[number]] for number in labelled],
            )
            table = np.stack([part.numpy().astype(np.float64) for part in raw], axis=1)
            rescaled[labelled] = (table - scale) / (1 - scale)
        if not len(rescaled):
            return Score(None, reason="no unit has references")
        low, high = bca_mean(rescaled[:, 2], seed=seed)
        precision, recall, value = (float(np.sort(column).mean()) for column in rescaled.T)
        return Score(
            value, low, high, n=len(rescaled), n_unlabelled=_count_empty(predictions),
            detail={"precision": precision, "recall": recall},
            reason="too few units for an interval" if low is None else None,
        )  # fmt: skip


def layer_and_baseline(
    model: str, layer: int = 0, baseline: Sequence[float] = ()
) -> tuple[int, Floats]:
    """Return the layer whose vectors are compared, and P, R, F1 of unrelated sentences [3].

    Raises:
        ValueError: One of them is neither given nor known, or the baseline is not three numbers
            below 1.
        ImportError: The optional package is missing.
    """
    import bert_score
    from bert_score.utils import model2layers

    name = _name(model)
    depth = layer or model2layers.get(model) or model2layers.get(name)
    if not depth:
        raise ValueError(f"bert-score knows no best layer of {name!r}; name one")
    scale = np.array(baseline or _shipped_baseline(bert_score.__path__[0], name, depth), float)
    if scale.shape != (3,) or not (scale < 1).all():
        raise ValueError(f"a baseline is precision, recall and F1, each below 1, not {baseline!r}")
    return depth, scale


def _name(model: str) -> str:
    """Return the last part of a folder: "models/roberta-large" is roberta-large."""
    return model.rstrip("/").rpartition("/")[2]


def reference_scores(
    predictions: Sequence[str],
    references: Sequence[Sequence[str]],
    *,
    seed: int,
    bert: Callable[..., Score] | None,
) -> dict[str, Score]:
    """Return `bleu` and `bertscore_f1` of units with references; empty where no unit has any.

    Args:
        predictions: One sentence a unit [R]; "" for none.
        references: Its references [R]; units with none are left out.
        seed: Seed of the bootstraps.
        bert: Computes BERTScore; None for no value.
    """
    kept = [number for number, texts in enumerate(references) if texts]
    if not kept:
        return {}
    sentences, texts = [predictions[n] for n in kept], [references[n] for n in kept]
    none = Score(None, reason="no BERTScore model is configured")
    return {
        "bleu": corpus_bleu(sentences, texts, seed=seed),
        "bertscore_f1": none if bert is None else bert(sentences, texts, seed=seed),
    }


def _shipped_baseline(package: str, name: str, layer: int) -> list[float]:
    """Return P, R, F1 of unrelated sentences from bert-score's own table for English."""
    import csv
    from pathlib import Path

    path = Path(package) / "rescale_baseline" / "en" / f"{name}.tsv"
    # The name is a last part, so no other folder is reached.
    if not path.is_file():
        raise ValueError(
            f"bert-score has no baseline for {name!r}; give one: without it the scores of "
            "unrelated sentences are near 1"
        )
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if int(row["LAYER"]) == layer:
                return [float(row[part]) for part in "PRF"]
    raise ValueError(f"bert-score has no baseline for layer {layer} of {name!r}; give one")


def _check(predictions: Sequence[str], references: Sequence[Sequence[str]]) -> None:
    if len(predictions) != len(references):
        raise ValueError(f"{len(predictions)} predictions, and references of {len(references)}")
    if not all(references):
        raise ValueError("a unit has no reference; leave it out")


def _count_empty(predictions: Sequence[str]) -> int:
    return sum(not text for text in predictions)
