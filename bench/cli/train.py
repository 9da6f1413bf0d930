"""`dissectbench train`: rebuild the networks of the embedded world, or train a MILAN decoder."""

from __future__ import annotations

from argparse import RawDescriptionHelpFormatter
from pathlib import Path
from typing import TYPE_CHECKING

from bench.cli.arguments import parser
from bench.errors import UserError

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Sequence

PARTS = ("objects", "scenes", "encoder", "segmenter", "milan", "resnet50_objects")
EPILOG = """\
examples:
  dissectbench train glyphs --out rebuilt                  all networks, some hours on 2 cores
  dissectbench train glyphs --parts encoder --out rebuilt  one network
  dissectbench train glyphs --seeds 1 2 3 --out seeds      networks of other seeds, briefly trained
  dissectbench train milan --out rebuilt                   the decoder of the embedded world
"""
MILAN_EPILOG = """\
examples:
  dissectbench train milan --out rebuilt
  dissectbench train milan --annotations data/milannotations --out milan.safetensors \\
      --sources alexnet/imagenet resnet152/imagenet --images data/imagenet/val \\
      --arch resnet101 --weights IMAGENET1K_V1
"""


def main(arguments: Sequence[str]) -> int:
    """Train parts of the embedded world into a folder, or a decoder into a file."""
    options = parser("train", "Rebuild the embedded world's networks; train a decoder.", EPILOG)
    kinds = options.add_subparsers(dest="what", required=True, metavar="{glyphs,milan}")
    world = kinds.add_parser(
        "glyphs",
        help="networks of the embedded world, from their seeds",
        description="Train the networks of the embedded world again, from their seeds.",
    )
    world.add_argument(
        "--parts",
        nargs="+",
        choices=PARTS,
        metavar="PART",
        help=f"networks to train, all by default: {', '.join(PARTS)}",
    )
    world.add_argument(
        "--out",
        type=Path,
        default=Path("glyphs_weights"),
        help="folder to write into (glyphs_weights)",
    )
    world.add_argument(
        "--seeds",
        nargs="+",
        type=int,
        default=[],
        metavar="SEED",
        help="instead, train objects (or --parts scenes) from each seed by a short recipe, some "
        "minutes on one core, for target.params.file=OUT/objects-seedSEED.safetensors",
    )
    decoder = kinds.add_parser(
        "milan",
        help="a decoder that writes sentences about exemplars",
        description="Train MILAN's decoder and language model on described units.",
        epilog=MILAN_EPILOG,
        formatter_class=RawDescriptionHelpFormatter,
    )
    decoder.add_argument(
        "--annotations", type=Path, help="root of MILANNOTATIONS; default: annotations of Glyphs"
    )
    decoder.add_argument(
        "--sources",
        nargs="+",
        default=[],
        metavar="MODEL/DATASET",
        help="networks whose units to train on",
    )
    decoder.add_argument("--images", type=Path, help="ImageNet's images, if not stored")
    decoder.add_argument("--arch", default="resnet101", help="network that looks at the images")
    decoder.add_argument("--weights", default="", help="torchvision's name of its weights")
    decoder.add_argument("--vision-file", default="", help="a state dict of it, instead")
    decoder.add_argument("--epochs", type=int, default=100, help="maximum number of epochs (100)")
    decoder.add_argument("--seed", type=int, default=0, help="seed of weights and splits (0)")
    decoder.add_argument("--device", default="auto", help="auto (default), cpu or cuda")
    decoder.add_argument("--out", type=Path, help="file to write; for Glyphs, a folder")
    given = options.parse_args(arguments)
    if given.what == "milan" and given.annotations:
        return _on_annotations(given)
    if given.what == "glyphs" and given.seeds:
        return _from_seeds(given)

    from bench.glyphs.train.run import train_glyphs
    from bench.parts.sentences import SentenceTransformer

    parts = (given.parts or PARTS) if given.what == "glyphs" else ["milan"]
    train_glyphs(
        parts,
        given.out or Path("glyphs_weights"),
        load_embedder=lambda: SentenceTransformer().load("cpu"),
    )
    return 0


def _from_seeds(given: Namespace) -> int:
    import torch

    from bench.glyphs.train.seeds import SHORT, train_seeds

    parts = given.parts or ["objects"]
    for part in parts:
        if part not in SHORT:
            raise UserError(
                f"{part} has no short recipe",
                where="--seeds",
                hint=f"choose among --parts {' '.join(SHORT)}",
            )
    device = "cuda" if torch.cuda.is_available() else "cpu"
    train_seeds(given.seeds, given.out, Path("glyphs_training"), device, parts)
    return 0


def _on_annotations(given: Namespace) -> int:
    from bench.cli.train_milan import train_on_annotations

    train_on_annotations(
        given.annotations,
        given.sources,
        images=given.images,
        arch=given.arch,
        weights=given.weights,
        vision_file=given.vision_file,
        epochs=given.epochs,
        seed=given.seed,
        device=given.device,
        out=given.out or Path("milan.safetensors"),
    )
    return 0
