"""The shape of a run's configuration. Hydra checks types; `bench.config.validate` the rest."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from omegaconf import MISSING


@dataclass
class PartConfig:
    """A registered part and its parameters.

    Attributes:
        name: The part's registered name.
        params: Its parameters by name; the others keep their defaults.
    """

    name: str = MISSING
    params: dict[str, Any] = field(default_factory=dict)


@dataclass
class TargetConfig(PartConfig):
    """A network, the layers to describe, and the true names of the last of them.

    Attributes:
        layers: Module paths ("layer4", "fc") and patterns of them ("layer*", "**.conv3").
        pooling: "avg" or "max" over a unit's map or its tokens of patches; "cls", the class token;
            "auto" takes the class token where there is one, else the average.
        axes: What the axes of the layers' outputs are, such as "BHWU" or "TBU" (images, units,
            height, width, tokens): a text for all layers, or a mapping by layer; empty to find out.
        prefix_tokens: How many of the first tokens show no patch; null to find out.
        precision: Of the forward pass: "float32", "bfloat16" or "float16".
        truth: True names of the units of `truth_layer`.
        truth_layer: The layer that the truth is about; empty where `layers` has one entry.
    """

    layers: list[str] = MISSING
    pooling: str = "auto"
    axes: Any = ""
    prefix_tokens: int | None = None
    precision: str = "float32"
    truth: PartConfig = field(default_factory=lambda: PartConfig(name="none"))
    truth_layer: str = ""


@dataclass
class BertScoreConfig:
    """BERTScore of sentences against written references.

    Attributes:
        model: A folder of a Hugging Face model, or a name on the hub; empty computes none.
        layer: The layer whose vectors are compared; 0 for the one that bert-score uses.
        baseline: Precision, recall and F1 of unrelated sentences, which rescaling makes 0; empty
            for bert-score's own numbers for an English model of that name.
        idf: Weigh tokens by their inverse frequency among the references.
    """

    model: str = ""
    layer: int = 0
    baseline: list[float] = field(default_factory=list)
    idf: bool = True


@dataclass
class DecisionsConfig:
    """Whether the label of the unit that contributed most to a decision tells the class.

    Attributes:
        classifier: Module path of the linear layer that reads the described layer's pooled units,
            such as "fc"; empty scores no decisions. Its classes have names where
            `target.truth_layer` is that layer.
        clip_weight: What a CLIP cosine counts where a sentence cosine counts 1.
        probe: The images that the network decides on; name "same" is the labels' own probe set.
    """

    classifier: str = ""
    clip_weight: float = 3.0
    probe: PartConfig = field(default_factory=lambda: PartConfig(name="same"))


@dataclass
class ScoringConfig:
    """How labels are scored; the same for every row of a board.

    Attributes:
        sentence: The sentence encoder of `sentence_cosine`; name "none" for none.
        clip_text: The image-text model whose text tower makes `clip_cosine`; name "same" is the
            labelling encoder, or where the method has none the configured one, unless there is no
            sentence encoder either; "none" makes no such score.
        bertscore: How `bertscore_f1` is computed, where the truth has references.
        decisions: How `decision_truth` and `decision_prediction` are computed.
        official_labels: Compare labels as the official CLIP-Dissect code does, faults included.
        seed: Of bootstrap resamples and of the drawn chance control.
    """

    sentence: PartConfig = field(default_factory=PartConfig)
    clip_text: PartConfig = field(default_factory=PartConfig)
    bertscore: BertScoreConfig = field(default_factory=BertScoreConfig)
    decisions: DecisionsConfig = field(default_factory=DecisionsConfig)
    official_labels: bool = False
    seed: int = 0


@dataclass
class RuntimeConfig:
    """Where and how a cell runs; nothing here but `tf32` decides a label.

    Attributes:
        device: "auto", "cpu", "cuda" or "cuda:N".
        batch_size: Images a forward pass.
        workers: Threads that decode images.
        threads: Threads of torch on the CPU; 0 leaves its default.
        channels_last: Run networks in that memory format of torch's: "auto" where they bear it,
            "true" or "false"; decides speed alone.
        tf32: Let a GPU round the inputs of the float32 matrix products and convolutions of the
            networks that look at images (target, image encoder, segmenter) to 10 bits: faster, and
            other activations, so it stands in the keys. Texts, captions, similarities and scores
            are always computed in full float32.
        cache: Folder of the evidence cache.
        cache_limit_gb: Evidence that was not used for longest is deleted after a job where the
            cache is above so many units of 10^9 bytes; 0 for no limit.
        maps_limit_gb: A layer's activation maps are kept in the cache up to so many units of 10^9
            bytes; larger ones are computed anew each time that a method goes through them.
        share: "2/8" gathers the second of eight shares of the probe images and stops; a run without
            it finds what all shares made, and goes on. Empty for a run as a whole.
        progress: Show progress bars.
        retry_failed: Run cells again whose record says "failed".
        retime: Time finished cells again on this machine, each from an empty cache.
        repeats: How often `retime` runs a cell; the median is kept.
        offline: Open no connection: what is not on this machine is an error.
    """

    device: str = "auto"
    batch_size: int = 64
    workers: int = 2
    threads: int = 0
    channels_last: str = "auto"
    tf32: bool = False
    cache: str = MISSING
    cache_limit_gb: float = 20.0
    maps_limit_gb: float = 8.0
    share: str = ""
    progress: bool = True
    retry_failed: bool = False
    retime: bool = False
    repeats: int = 3
    offline: bool = False


@dataclass
class RunConfig:
    """One job: a method on the layers of a target, over one probe set and one concept set.

    Attributes:
        method: The method and its parameters.
        target: The network, its layers and their true names.
        probe: The probe set.
        concepts: The concept set: candidate labels of methods that choose among words.
        encoder: The image-text encoder of methods that need one.
        segmenter: The segmenter of methods that need pseudo-labels.
        captioner: The captioner of methods that write sentences.
        scoring: How labels are scored.
        runtime: Where and how a cell runs.
        seed: Seed of a method that draws at random.
        board: Name of the board that the records are written for.
        results: Folder of results.
        blocks: Sweeps of an experiment; each is a list of overrides.
    """

    method: PartConfig = field(default_factory=PartConfig)
    target: TargetConfig = field(default_factory=TargetConfig)
    probe: PartConfig = field(default_factory=PartConfig)
    concepts: PartConfig = field(default_factory=PartConfig)
    encoder: PartConfig = field(default_factory=PartConfig)
    segmenter: PartConfig = field(default_factory=PartConfig)
    captioner: PartConfig = field(default_factory=PartConfig)
    scoring: ScoringConfig = field(default_factory=ScoringConfig)
    runtime: RuntimeConfig = field(default_factory=RuntimeConfig)
    seed: int = 0
    board: str = MISSING
    results: str = MISSING
    blocks: list[list[str]] = field(default_factory=list)


GROUPS = (
    "method",
    "target",
    "probe",
    "concepts",
    "encoder",
    "segmenter",
    "captioner",
    "scoring",
    "runtime",
    "launcher",
    "experiment",
)
"""Config groups; the first seven are also kinds of parts."""

TOLD = (*GROUPS[:8], "experiment")
"""Groups whose choices a record tells: what decides labels and scores, and what asked for it."""
