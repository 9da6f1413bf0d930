"""Registries of the parts of this project. A part is imported on first use."""

# mypy: disable-error-code="type-abstract"

from __future__ import annotations

from typing import Any

from baselines.base import Method
from bench.parts.protocols import (
    CaptionerPart,
    ConceptSet,
    Encoder,
    GeneratorPart,
    LanguageModelPart,
    Probe,
    Segmenter,
    SentenceEncoder,
    Target,
    Truth,
)
from bench.parts.registry import Registry

_METHODS = {
    "clip_dissect": "baselines.clip_dissect:ClipDissect",
    "compositional": "baselines.compositional:Compositional",
    "csp": "baselines.csp:ContrastiveProjection",
    "describe_and_dissect": "baselines.describe_and_dissect:DescribeAndDissect",
    "direction": "baselines.direction:Direction",
    "falcon": "baselines.falcon:Falcon",
    "invert": "baselines.invert:Invert",
    "linear": "baselines.linear:LinearExplanations",
    "linear_labels": "baselines.linear:LinearLabelExplanations",
    "milan": "baselines.milan:Milan",
    "milan_clip": "baselines.milan:MilanClip",
    "netdissect": "baselines.netdissect:NetDissect",
    "netdissect2020": "baselines.netdissect2020:NetDissect2020",
    "semantic_lens": "baselines.semantic_lens:SemanticLens",
    "www": "baselines.www:WordSets",
}
METHODS: Registry[Method] = Registry("method", "methods", Method, _METHODS)
_TARGETS = {
    "callable": "bench.parts.targets:CallableTarget",
    "glyphs": "bench.parts.targets:GlyphsTarget",
    "planted": "bench.parts.targets:PlantedTarget",
    "precomputed": "bench.parts.targets:PrecomputedTarget",
    "timm": "bench.parts.targets:TimmTarget",
    "torch_hub": "bench.parts.targets:TorchHubTarget",
    "torchvision": "bench.parts.targets:TorchvisionTarget",
}
TARGETS: Registry[Target] = Registry("target", "targets", Target, _TARGETS)
_TRUTHS = {
    "annotations": "bench.parts.truths:AnnotationsTruth",
    "class_list": "bench.parts.truths:ClassListTruth",
    "file": "bench.parts.truths:FileTruth",
    "glyphs": "bench.parts.truths:GlyphsTruth",
    "imagenet": "bench.parts.truths:ImageNetTruth",
    "none": "bench.parts.truths:NoTruth",
    "places365": "bench.parts.truths:Places365Truth",
    "planted": "bench.parts.truths:PlantedTruth",
}
TRUTHS: Registry[Truth] = Registry("truth", "truths", Truth, _TRUTHS)
_PROBES = {
    "broden": "bench.parts.probes:BrodenProbe",
    "cifar100": "bench.parts.probes:Cifar100Probe",
    "class_folder": "bench.parts.probes:ClassFolderProbe",
    "folder": "bench.parts.probes:FolderProbe",
    "glyphs": "bench.parts.probes:GlyphsProbe",
    "glyphs_broden": "bench.parts.probes:GlyphsBrodenProbe",
    "glyphs_noisy_masks": "bench.parts.probes:GlyphsNoisyMasksProbe",
    "imagenet_val": "bench.parts.probes:ImageNetValProbe",
    "places365_val": "bench.parts.probes:Places365ValProbe",
    "precomputed": "bench.parts.probes:PrecomputedProbe",
    "tiny_imagenet": "bench.parts.probes:TinyImageNetProbe",
    "union": "bench.parts.probes:UnionProbe",
}
PROBES: Registry[Probe] = Registry("probe", "probes", Probe, _PROBES)
_CONCEPTS = {
    "broden": "bench.parts.concepts:BrodenConcepts",
    "classes": "bench.parts.concepts:ClassConcepts",
    "combined": "bench.parts.concepts:CombinedConcepts",
    "file": "bench.parts.concepts:FileConcepts",
    "glyphs": "bench.parts.concepts:GlyphsConcepts",
    "paper": "bench.parts.concepts:PaperConcepts",
    "sample": "bench.parts.concepts:SampledConcepts",
    "wordfreq": "bench.parts.concepts:WordfreqConcepts",
}
CONCEPTS: Registry[ConceptSet] = Registry("concepts", "concepts", ConceptSet, _CONCEPTS)
_ENCODERS = {
    "glyphs": "bench.parts.encoders:GlyphsEncoder",
    "open_clip": "bench.parts.encoders:OpenClipPretrained",
    "open_clip_files": "bench.parts.encoders:OpenClipEncoder",
    "precomputed": "bench.parts.encoders:PrecomputedEncoder",
}
ENCODERS: Registry[Encoder] = Registry("encoder", "encoders", Encoder, _ENCODERS)
_SEGMENTERS = {
    "glyphs": "bench.parts.segmenters:GlyphsSegmenter",
    "hugging_face": "bench.parts.segmenters:HuggingFaceSegmenter",
    "masks": "bench.parts.segmenters:ProbeMasks",
    "torchvision": "bench.parts.segmenters:TorchvisionSegmenter",
}
SEGMENTERS: Registry[Segmenter] = Registry("segmenter", "segmenters", Segmenter, _SEGMENTERS)
_CAPTIONERS = {
    "glyphs": "bench.parts.captioners:GlyphsCaptioner",
    "hf": "bench.parts.captioners:HuggingFaceCaptioner",
    "milan": "bench.parts.captioners:MilanCaptioner",
}
CAPTIONERS: Registry[CaptionerPart] = Registry(
    "captioner", "captioners", CaptionerPart, _CAPTIONERS
)
_LANGUAGE_MODELS = {
    "hf": "bench.parts.language_models:HuggingFaceLanguageModel",
}
LANGUAGE_MODELS: Registry[LanguageModelPart] = Registry(
    "language_model", "language_models", LanguageModelPart, _LANGUAGE_MODELS
)
_GENERATORS = {
    "diffusers": "bench.parts.generators:DiffusersGenerator",
    "folder": "bench.parts.generators:FolderGenerator",
}
GENERATORS: Registry[GeneratorPart] = Registry(
    "generator", "generators", GeneratorPart, _GENERATORS
)
_SENTENCES = {
    "none": "bench.parts.sentences:NoSentenceEncoder",
    "sentence_transformers": "bench.parts.sentences:SentenceTransformer",
}
SENTENCES: Registry[SentenceEncoder] = Registry(
    "sentence", "sentences", SentenceEncoder, _SENTENCES
)

_GROUPS = (
    METHODS, TARGETS, PROBES, CONCEPTS, ENCODERS, SEGMENTERS, CAPTIONERS, LANGUAGE_MODELS,
    GENERATORS,
)  # fmt: skip
BY_GROUP: dict[str, Registry[Any]] = {registry.kind: registry for registry in _GROUPS}
"""Registries of the parts that have a config group."""
