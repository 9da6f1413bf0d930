"""The parts that ship with the suite, by name. Nothing is imported until a part is asked for."""

from __future__ import annotations

from typing import Any

from baselines.base import Method
from bench.parts import (
    CaptionerPart,
    ConceptSet,
    Encoder,
    Probe,
    Segmenter,
    SentenceEncoder,
    Target,
    Truth,
)
from bench.registry import Registry

METHODS: Registry[Method] = Registry(
    "method",
    "methods",
    Method,  # type: ignore[type-abstract]
    {
        "clip_dissect": "baselines.clip_dissect:ClipDissect",
        "compositional": "baselines.compositional:Compositional",
        "milan": "baselines.milan:Milan",
        "milan_clip": "baselines.milan:MilanClip",
        "netdissect": "baselines.netdissect:NetDissect",
        "netdissect2020": "baselines.netdissect2020:NetDissect2020",
    },
)
TARGETS: Registry[Target] = Registry(
    "target",
    "targets",
    Target,  # type: ignore[type-abstract]
    {
        "callable": "bench.targets:CallableTarget",
        "glyphs": "bench.targets:GlyphsTarget",
        "timm": "bench.targets:TimmTarget",
        "torch_hub": "bench.targets:TorchHubTarget",
        "torchvision": "bench.targets:TorchvisionTarget",
    },
)
TRUTHS: Registry[Truth] = Registry(
    "truth",
    "truths",
    Truth,  # type: ignore[type-abstract]
    {
        "annotations": "bench.truths:AnnotationsTruth",
        "class_list": "bench.truths:ClassListTruth",
        "file": "bench.truths:FileTruth",
        "glyphs": "bench.truths:GlyphsTruth",
        "imagenet": "bench.truths:ImageNetTruth",
        "none": "bench.truths:NoTruth",
        "places365": "bench.truths:Places365Truth",
    },
)
PROBES: Registry[Probe] = Registry(
    "probe",
    "probes",
    Probe,  # type: ignore[type-abstract]
    {
        "broden": "bench.probes:BrodenProbe",
        "cifar100": "bench.probes:Cifar100Probe",
        "class_folder": "bench.probes:ClassFolderProbe",
        "folder": "bench.probes:FolderProbe",
        "glyphs": "bench.probes:GlyphsProbe",
        "glyphs_broden": "bench.probes:GlyphsBrodenProbe",
        "imagenet_val": "bench.probes:ImageNetValProbe",
        "places365_val": "bench.probes:Places365ValProbe",
        "tiny_imagenet": "bench.probes:TinyImageNetProbe",
        "union": "bench.probes:UnionProbe",
    },
)
CONCEPTS: Registry[ConceptSet] = Registry(
    "concepts",
    "concepts",
    ConceptSet,  # type: ignore[type-abstract]
    {
        "broden": "bench.concepts:BrodenConcepts",
        "classes": "bench.concepts:ClassConcepts",
        "combined": "bench.concepts:CombinedConcepts",
        "file": "bench.concepts:FileConcepts",
        "glyphs": "bench.concepts:GlyphsConcepts",
        "paper": "bench.concepts:PaperConcepts",
        "wordfreq": "bench.concepts:WordfreqConcepts",
    },
)
ENCODERS: Registry[Encoder] = Registry(
    "encoder",
    "encoders",
    Encoder,  # type: ignore[type-abstract]
    {
        "glyphs": "bench.encoders:GlyphsEncoder",
        "open_clip": "bench.encoders:OpenClipPretrained",
        "open_clip_files": "bench.encoders:OpenClipEncoder",
    },
)
SEGMENTERS: Registry[Segmenter] = Registry(
    "segmenter",
    "segmenters",
    Segmenter,  # type: ignore[type-abstract]
    {
        "glyphs": "bench.segmenters:GlyphsSegmenter",
        "hugging_face": "bench.segmenters:HuggingFaceSegmenter",
        "masks": "bench.segmenters:ProbeMasks",
        "torchvision": "bench.segmenters:TorchvisionSegmenter",
    },
)
CAPTIONERS: Registry[CaptionerPart] = Registry(
    "captioner",
    "captioners",
    CaptionerPart,  # type: ignore[type-abstract]
    {
        "glyphs": "bench.captioners:GlyphsCaptioner",
        "hf": "bench.captioners:HuggingFaceCaptioner",
        "milan": "bench.captioners:MilanCaptioner",
    },
)
SENTENCES: Registry[SentenceEncoder] = Registry(
    "sentence",
    "sentences",
    SentenceEncoder,  # type: ignore[type-abstract]
    {
        "none": "bench.sentences:NoSentenceEncoder",
        "sentence_transformers": "bench.sentences:SentenceTransformer",
    },
)

BY_GROUP: dict[str, Registry[Any]] = {
    "method": METHODS,
    "target": TARGETS,
    "probe": PROBES,
    "concepts": CONCEPTS,
    "encoder": ENCODERS,
    "segmenter": SEGMENTERS,
    "captioner": CAPTIONERS,
}
"""Registries of the parts that are chosen by a config group of their own."""
