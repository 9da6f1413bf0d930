"""Registries of the parts of this project. A part is imported on first use."""

from __future__ import annotations

from typing import Any

from baselines.base import Method
from bench.parts.protocols import (
    CaptionerPart,
    ConceptSet,
    Encoder,
    Probe,
    Segmenter,
    SentenceEncoder,
    Target,
    Truth,
)
from bench.parts.registry import Registry

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
        "callable": "bench.parts.targets:CallableTarget",
        "glyphs": "bench.parts.targets:GlyphsTarget",
        "timm": "bench.parts.targets:TimmTarget",
        "torch_hub": "bench.parts.targets:TorchHubTarget",
        "torchvision": "bench.parts.targets:TorchvisionTarget",
    },
)
TRUTHS: Registry[Truth] = Registry(
    "truth",
    "truths",
    Truth,  # type: ignore[type-abstract]
    {
        "annotations": "bench.parts.truths:AnnotationsTruth",
        "class_list": "bench.parts.truths:ClassListTruth",
        "file": "bench.parts.truths:FileTruth",
        "glyphs": "bench.parts.truths:GlyphsTruth",
        "imagenet": "bench.parts.truths:ImageNetTruth",
        "none": "bench.parts.truths:NoTruth",
        "places365": "bench.parts.truths:Places365Truth",
    },
)
PROBES: Registry[Probe] = Registry(
    "probe",
    "probes",
    Probe,  # type: ignore[type-abstract]
    {
        "broden": "bench.parts.probes:BrodenProbe",
        "cifar100": "bench.parts.probes:Cifar100Probe",
        "class_folder": "bench.parts.probes:ClassFolderProbe",
        "folder": "bench.parts.probes:FolderProbe",
        "glyphs": "bench.parts.probes:GlyphsProbe",
        "glyphs_broden": "bench.parts.probes:GlyphsBrodenProbe",
        "imagenet_val": "bench.parts.probes:ImageNetValProbe",
        "places365_val": "bench.parts.probes:Places365ValProbe",
        "tiny_imagenet": "bench.parts.probes:TinyImageNetProbe",
        "union": "bench.parts.probes:UnionProbe",
    },
)
CONCEPTS: Registry[ConceptSet] = Registry(
    "concepts",
    "concepts",
    ConceptSet,  # type: ignore[type-abstract]
    {
        "broden": "bench.parts.concepts:BrodenConcepts",
        "classes": "bench.parts.concepts:ClassConcepts",
        "combined": "bench.parts.concepts:CombinedConcepts",
        "file": "bench.parts.concepts:FileConcepts",
        "glyphs": "bench.parts.concepts:GlyphsConcepts",
        "paper": "bench.parts.concepts:PaperConcepts",
        "wordfreq": "bench.parts.concepts:WordfreqConcepts",
    },
)
ENCODERS: Registry[Encoder] = Registry(
    "encoder",
    "encoders",
    Encoder,  # type: ignore[type-abstract]
    {
        "glyphs": "bench.parts.encoders:GlyphsEncoder",
        "open_clip": "bench.parts.encoders:OpenClipPretrained",
        "open_clip_files": "bench.parts.encoders:OpenClipEncoder",
    },
)
SEGMENTERS: Registry[Segmenter] = Registry(
    "segmenter",
    "segmenters",
    Segmenter,  # type: ignore[type-abstract]
    {
        "glyphs": "bench.parts.segmenters:GlyphsSegmenter",
        "hugging_face": "bench.parts.segmenters:HuggingFaceSegmenter",
        "masks": "bench.parts.segmenters:ProbeMasks",
        "torchvision": "bench.parts.segmenters:TorchvisionSegmenter",
    },
)
CAPTIONERS: Registry[CaptionerPart] = Registry(
    "captioner",
    "captioners",
    CaptionerPart,  # type: ignore[type-abstract]
    {
        "glyphs": "bench.parts.captioners:GlyphsCaptioner",
        "hf": "bench.parts.captioners:HuggingFaceCaptioner",
        "milan": "bench.parts.captioners:MilanCaptioner",
    },
)
SENTENCES: Registry[SentenceEncoder] = Registry(
    "sentence",
    "sentences",
    SentenceEncoder,  # type: ignore[type-abstract]
    {
        "none": "bench.parts.sentences:NoSentenceEncoder",
        "sentence_transformers": "bench.parts.sentences:SentenceTransformer",
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
"""Registries of the parts that have a config group."""
