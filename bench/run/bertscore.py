"""Settings of BERTScore: what runs, and what decides the scores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.errors import UserError
from bench.parts.encoders.text_models import find_text_model

if TYPE_CHECKING:
    from bench.config.schema import BertScoreConfig
    from metrics.references import BertScorer

FIELD = "scoring.bertscore"


def bert_scorer(config: BertScoreConfig, device: str) -> BertScorer | None:
    """Return what computes BERTScore; None where no model is configured.

    Raises:
        UserError: The model is not found, or its layer or baseline is neither configured nor known.
    """
    if not config.model:
        return None
    # Here, because it imports scipy, which planning does not need.
    from metrics.references import BertScorer, layer_and_baseline

    found = find_text_model(config.model, f"{FIELD}.model")
    baseline = tuple(float(number) for number in config.baseline)
    try:
        layer_and_baseline(found.source, config.layer, baseline)
    except ImportError:
        pass  # the reason of the missing score names the package
    except ValueError as error:
        raise UserError(
            str(error),
            where=f"{FIELD}.baseline" if "baseline" in str(error) else f"{FIELD}.layer",
            hint=f"{FIELD}.layer=17 {FIELD}.baseline=[0.83,0.83,0.83], with numbers of that model",
        ) from error
    return BertScorer(found.source, config.layer, baseline, config.idf, device)


def describe_bertscore(config: BertScoreConfig) -> dict[str, Any]:
    """Return what decides the score, under the key "bertscore"; {} without a model.

    Leave it out otherwise, so that records scored without BERTScore keep the key of their scores.
    """
    if not config.model:
        return {}
    found = find_text_model(config.model, f"{FIELD}.model")
    return {
        "bertscore": {
            "name": found.name or found.source.rpartition("/")[2],
            "weights": found.sha256() or f"hub:{found.name}",
            "layer": config.layer,
            "baseline": [float(number) for number in config.baseline],
            "idf": config.idf,
        }
    }
