"""The shape of a run's configuration. Hydra checks types; `bench.config.validate` the rest."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from omegaconf import MISSING

SAME, NONE = "same", "none"
"""Names that stand for no registered part: the one of the labels themselves, and no part."""


RANDOM_WEIGHTS, ROTATED = "random_weights", "rotated"
"""Values of `target.control`."""


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
    """A network, the layers to describe, and the true names of the units of one of them.

    Attributes:
        layers: Module paths ("layer4", "fc") and patterns of them ("layer*", "**.conv3").
        pooling: "avg" or "max" over a unit's map or its patch tokens; "cls", the class token;
            "auto" takes the class token where there is one, else the average.
        axes: The axes of the layers' outputs, such as "BHWU" or "TBU" (B images, U units, H height,
            W width, T tokens): a text for all layers, or a mapping by layer; empty to detect them.
        prefix_tokens: How many of the first tokens show no patch; null to detect them.
        precision: Of the forward pass: "float32", "bfloat16" or "float16".
        directions: What is described in place of the layers' units: a file of directions
            [directions, units] (PATH, PATH::NAME, or {file, transpose}), or {rotation: SEED}; empty
            for the units.
        control: Make the row a control, which shows what a method scores without what the network
            learned: "random_weights" (the same architecture, freshly initialised) or "rotated" (the
            layer's units mixed by a random rotation); "none" for the network itself.
        control_seed: Seed of the random weights or of the rotation.
        truth: True names of the units of `truth_layer`.
        truth_layer: The layer that the truth is about; empty where `layers` has one entry.
    """

    layers: list[str] = MISSING
    pooling: str = "auto"
    axes: Any = ""
    prefix_tokens: int | None = None
    precision: str = "float32"
    directions: Any = ""
    control: str = NONE
    control_seed: int = 0
    truth: PartConfig = field(default_factory=lambda: PartConfig(name=NONE))
    truth_layer: str = ""


@dataclass
class BertScoreConfig:
    """BERTScore of sentences against written references.

    Attributes:
        model: A folder of a Hugging Face model, or a name on the hub; empty computes no BERTScore.
        layer: The layer whose vectors are compared; 0 for bert-score's own choice.
        baseline: Precision, recall and F1 of unrelated sentences, which rescaling maps to 0; empty
            for bert-score's own numbers for an English model of that name.
        idf: Weigh tokens by their inverse frequency among the references.
    """

    model: str = ""
    layer: int = 0
    baseline: list[float] = field(default_factory=list)
    idf: bool = True


@dataclass
class DecisionsConfig:
    """Whether the label of the unit that contributed most to a decision names the class.

    Attributes:
        classifier: Module path of the linear layer that reads the described layer's pooled units,
            such as "fc"; empty scores no decisions. The names of its classes are the truth, where
            `target.truth_layer` is that layer.
        clip_weight: Weight of a CLIP cosine, where a sentence cosine has weight 1.
        probe: The images that the network decides on; name "same" is the labels' own probe set.
    """

    classifier: str = ""
    clip_weight: float = 3.0
    probe: PartConfig = field(default_factory=lambda: PartConfig(name=SAME))


@dataclass
class ScoringConfig:
    """How labels are scored; the same for every row of a board.

    Attributes:
        sentence: The sentence encoder of `sentence_cosine`; name "none" for none.
        clip_text: The image-text model whose text tower gives `clip_cosine`. Name "same" is the
            labelling encoder, or the configured encoder where the method uses none and there is a
            sentence encoder; "none" computes no such score.
        bertscore: How `bertscore_f1` is computed, where the truth has references.
        decisions: How `decision_truth` and `decision_prediction` are computed.
        official_labels: Compare labels as the official CLIP-Dissect code does, faults included.
        seed: Of bootstrap resamples and of the random control.
    """

    sentence: PartConfig = field(default_factory=PartConfig)
    clip_text: PartConfig = field(default_factory=PartConfig)
    bertscore: BertScoreConfig = field(default_factory=BertScoreConfig)
    decisions: DecisionsConfig = field(default_factory=DecisionsConfig)
    official_labels: bool = False
    seed: int = 0


@dataclass
class RuntimeConfig:
    """Where and how a cell runs; of these settings only `tf32` changes labels.

    Attributes:
        device: "auto", "cpu", "cuda" or "cuda:N".
        batch_size: Images per forward pass.
        workers: Threads that decode images.
        threads: Threads of torch on the CPU; 0 leaves torch's default.
        channels_last: Run networks in torch's channels-last memory format: "true", "false", or
            "auto" for networks that support it. Changes the speed only.
        tf32: Let a GPU round the inputs of float32 matrix products and convolutions to 10 bits, in
            the networks that look at images (target, image encoder, segmenter). Faster; changes
            activations, so it is part of the keys. Texts, captions, similarities and scores are
            always computed in full float32.
        cache: Folder of the evidence cache.
        cache_limit_gb: Size of the cache in units of 10^9 bytes above which the least recently used
            evidence is deleted after a job; 0 for no limit.
        maps_limit_gb: Size of a layer's activation maps in units of 10^9 bytes up to which they are
            cached; larger ones are computed again each time that a method reads them.
        share: "2/8" gathers the evidence of the second of eight shares of the probe images and
            stops; a run without it uses what all shares gathered. Empty for all images.
        progress: Show progress bars.
        retry_failed: Run cells again whose record says "failed".
        retime: Time finished cells again on this machine, each from an empty cache.
        repeats: How often `retime` runs a cell; the median is kept.
        bootstraps: Resample the probe images so many times, with replacement, and record how often
            each unit keeps its first label; done for finished cells too. 0 for none.
        offline: Open no connection; a file that is not on this machine is an error.
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
    bootstraps: int = 0
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
        language_model: The language model of methods that can use one; name "none" for none.
        generator: The source of images of concepts of methods that can use one; name "none" for
            none.
        scoring: How labels are scored.
        runtime: Where and how a cell runs.
        seed: Seed of a method that draws at random.
        board: Name of the board that the records are written for.
        tuned_on: Units whose true names were used to tune the method's settings: "dev" for the
            development units, empty for none. Boards compare such a row on the other units only.
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
    language_model: PartConfig = field(default_factory=PartConfig)
    generator: PartConfig = field(default_factory=PartConfig)
    scoring: ScoringConfig = field(default_factory=ScoringConfig)
    runtime: RuntimeConfig = field(default_factory=RuntimeConfig)
    seed: int = 0
    board: str = MISSING
    tuned_on: str = ""
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
    "language_model",
    "generator",
    "scoring",
    "runtime",
    "launcher",
    "experiment",
)
"""Config groups; the first nine are also families of parts."""

RECORDED_GROUPS = (*GROUPS[:10], "experiment")
"""Groups whose choices are recorded: what decides labels and scores, and the experiment."""
