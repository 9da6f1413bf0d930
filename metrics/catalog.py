"""One line about each score, for `dissectbench list metrics`."""

from __future__ import annotations

SUMMARIES = {
    "accuracy_at_1": "share of units whose first label is an accepted name",
    "accuracy_at_5": "share of units with an accepted name among the first five labels",
    "mean_rank": "mean position of the true concept among all concepts; 1 is best",
    "median_rank": "upper median of that position",
    "mrr": "mean reciprocal rank of the true concept",
    "auroc": "whether the top score tells right labels from wrong ones",
    "clip_cosine": "cosine of label and full published name in a CLIP text space",
    "clip_cosine_best_synonym": "the same against the nearest synonym",
    "sentence_cosine": "cosine of label and full published name under a sentence encoder",
    "sentence_cosine_best_synonym": "the same against the nearest synonym",
    "lexical_match": "1 for an exact, inflected or synonymous label, 0.5 for a listed hypernym",
    "nearest_name": "share of units whose label is nearest to their own true name, of all true "
    "names of the layer, by sentence embedding",
    "bleu": "corpus BLEU against written references, 0 to 1; where there are such",
    "bertscore_f1": "rescaled BERTScore against written references, the best of a unit's",
    "decision_truth": "share of images whose true class is told by the label of the unit that "
    "contributed most to the network's decision; where scoring.decisions names the classifier",
    "decision_prediction": "the same, of the class that the network predicted",
    "distinct_labels": "number of different first labels of a layer",
    "top_label_share": "share of units that carry the commonest label",
    "coverage": "share of live units with a label",
    "selective_*": "a score over labelled units alone",
    "*[group]": "a score over one group of units, such as seen and unseen names",
}
"""Score name -> what it says."""
