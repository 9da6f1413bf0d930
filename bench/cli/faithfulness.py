"""`dissectbench faithfulness`: are the labels of units true on held-out images?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from bench.cli.arguments import check_names, parser
from bench.cli.faithfulness_table import explain_empty, print_rows, table_rows
from bench.errors import UserError
from bench.files import check_writable_file, writing
from bench.rescore import find_folders, record_config
from metrics.cosy import IMAGE_METRICS
from metrics.faithfulness_scores import OF_IMAGES, PASSING, TITLES

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Sequence

    from bench.run.faithfulness import FaithfulnessOptions
    from leaderboards.faithfulness import FaithfulnessSet
    from leaderboards.record import Record

STARTS = ("probe.name=", "probe.params.offset=", "probe.params.path=")
"""Overrides that say where the held-out images start."""
SETTINGS = ("probe.", "runtime.", "judge=", "judge.")
EPILOG = """\
A label predicts on which images its unit is active: on those that show its concept. The table
compares this with the unit's activations on images that the labels were not made with; no true
names are needed. These are as many images that follow the record's own in its probe set (Glyphs,
folders with classes), or others that you choose. What they show is known by masks or classes, or an
image-text encoder says it (judge=ENCODER). --images compares images of the labels' concepts with
them instead (CoSy). Units are left out and counted (unknown) if nothing is known of their label.

The scores are written into each record's folder, where `dissectbench board` finds them.

examples:
  dissectbench faithfulness results/local
  dissectbench faithfulness RECORD probe.params.size=8000 --metrics correlation iou mad
  dissectbench faithfulness RECORD probe.name=class_folder probe.params.path=IMAGES
  dissectbench faithfulness RECORD judge=open_clip judge.params.model=ViT-L-16-SigLIP-384 \\
      judge.params.pretrained=webli
  dissectbench faithfulness RECORD --images FOLDER      FOLDER/<concept>/*.png
  dissectbench faithfulness results/local --out faithfulness.csv       intervals and controls too
"""


def main(arguments: Sequence[str]) -> int:
    """Score each record, write the scores beside its labels, and print the table."""
    options = parser("faithfulness", "Compare units with what their labels predict.", EPILOG)
    options.add_argument(
        "records",
        nargs="+",
        metavar="RECORD|key=value",
        help="records, or folders of them; and overrides of probe.*, judge and runtime.*",
    )
    options.add_argument(
        "--metrics",
        nargs="+",
        metavar="NAME",
        help="metrics (the five that pass the sanity checks; with --images: "
        f"{', '.join(OF_IMAGES)})",
    )
    options.add_argument(
        "--alpha", type=float, default=0.01, metavar="SHARE",
        help="share of the images on which a unit counts as active (0.01)",
    )  # fmt: skip
    options.add_argument(
        "--images", metavar="FOLDER", help="folder with a folder of images for each concept"
    )
    options.add_argument(
        "--calibration",
        default="",
        metavar="SCALE,BIAS",
        help="for the judge: sigmoid(SCALE * (cosine + BIAS)), or `fit` to the labels' own images, "
        "by their masks or classes (the encoder's own)",
    )
    options.add_argument("--out", type=Path, metavar="FILE.csv", help="file to write details to")
    given = options.parse_intermixed_args(_attach_calibration(arguments))
    overrides = [text for text in given.records if "=" in text]
    settings = _read_options(given, overrides)
    folders = find_folders([Path(text) for text in given.records if "=" not in text])
    if not folders:
        raise UserError("no record is named", hint="give the folder of a record.json")
    own = [text for text in overrides if not text.lstrip("+").startswith("judge")]
    out = given.out.expanduser() if given.out else None
    if out:
        check_writable_file(out, "--out")
    measured: list[tuple[Record, FaithfulnessSet]] = []
    hidden = None if len(folders) > 1 else True  # None: hidden without a terminal
    for folder in tqdm(folders, desc="faithfulness", unit="record", disable=hidden):
        try:
            measured += _measure(folder, own, settings)
        except UserError as error:
            if len(folders) == 1:
                raise
            tqdm.write(f"{folder}: skipped, {error}")
    if not measured:
        raise UserError("no record can be scored", where="records")
    rows = table_rows(measured)
    if out:
        import pandas as pd

        with writing(out, "--out"):
            pd.DataFrame(rows).to_csv(out, index=False)
    print_rows(rows, settings.names)
    return 0


def _attach_calibration(arguments: Sequence[str]) -> list[str]:
    """Return arguments with `--calibration -5,1` as one, which argparse takes for two options."""
    attached: list[str] = []
    for text in arguments:
        if attached and attached[-1] == "--calibration" and text[:2].strip("-.").isdigit():
            attached[-1] += f"={text}"
        else:
            attached.append(text)
    return attached


def _read_options(given: Namespace, overrides: Sequence[str]) -> FaithfulnessOptions:
    """Check the options.

    Raises:
        UserError: One is invalid, or two contradict each other.
    """
    from bench.parts.concept_images import ConceptImages
    from bench.run.faithfulness import FaithfulnessOptions
    from bench.run.presence_judge import build_judge

    for text in overrides:
        if not text.lstrip("+").startswith(SETTINGS):
            raise UserError(
                f"{text.partition('=')[0]!r} decides the labels",
                where=text,
                hint="faithfulness takes probe.*, judge and runtime.*",
            )
    if not 0 < given.alpha < 1:
        raise UserError(
            f"invalid share {given.alpha}", where="--alpha", hint="give one between 0 and 1"
        )
    if given.images == "":
        raise UserError(
            "no folder is named", where="--images", hint="give one with a folder for each concept"
        )
    judge = [text for text in overrides if text.startswith("judge")]
    if given.images and judge:
        raise UserError(
            "images of concepts need no judge", where=judge[0], hint="leave out one of both"
        )
    if given.calibration and not judge:
        raise UserError(
            "there is no judge to calibrate", where="--calibration", hint="add judge=ENCODER"
        )
    names = tuple(dict.fromkeys(given.metrics or (OF_IMAGES if given.images else PASSING)))
    check_names(names, IMAGE_METRICS if given.images else TITLES, "metric", "--metrics")
    return FaithfulnessOptions(
        names,
        given.alpha,
        chosen=any(text.lstrip("+").startswith(STARTS) for text in overrides),
        judge=build_judge(judge, given.calibration) if judge else None,
        images=ConceptImages(given.images, where="--images") if given.images else None,
    )


def _measure(
    folder: Path, overrides: Sequence[str], options: FaithfulnessOptions
) -> list[tuple[Record, FaithfulnessSet]]:
    """Score a record, and write the scores beside its labels; return none if it is skipped."""
    from bench.offline import offline
    from bench.run.faithfulness import measure_faithfulness
    from bench.run.plan import explain_fault
    from bench.run.results import write_faithfulness
    from leaderboards.record import Record, RecordError
    from leaderboards.record_tables import read_descriptions

    try:
        record = Record.read(folder)
        if reason := _reason_to_skip(record, options):
            tqdm.write(f"{folder}: skipped, {reason}")
            return []
        config = record_config(folder, overrides)
        with offline(config.runtime.offline):
            scores, units = measure_faithfulness(
                record,
                read_descriptions(folder),
                config,
                options,
                record_config(folder, ()).probe,
            )
        file = write_faithfulness(folder, scores, units)
    except RecordError as error:
        raise explain_fault(error) from error
    tqdm.write(f"{folder}: wrote {file.relative_to(folder)}")
    if reason := explain_empty(scores, options.images.path if options.images else ""):
        tqdm.write(f"{folder}: {reason}")
    return [(record, scores)]


def _reason_to_skip(record: Record, options: FaithfulnessOptions) -> str:
    if record.status != "ok":
        return "its run failed"
    if record.is_imported:
        return "its labels are imported"
    if options.judge and options.judge.made(record):
        return "the judge is the encoder that made its labels"
    return ""
