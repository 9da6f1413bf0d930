"""Check that arrays given in place of networks fit the job, before anything runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.errors import UserError, explain_refusal
from bench.parts.optional_protocols import GivesArrays, GivesEmbeddings
from bench.parts.targets.random_weights import RandomWeights

if TYPE_CHECKING:
    from bench.run.selection import Selection


def check_given_arrays(selection: Selection) -> None:
    """Refuse arrays that are not of this job's layers, images and words.

    Raises:
        UserError: They are not, or the job needs a network or images that are not given.
    """
    target, encoder, probe = selection.target, selection.encoder, selection.probe
    if isinstance(target, RandomWeights) and isinstance(target.trained, GivesArrays):
        raise UserError(
            "random weights need a network, and the target gives arrays",
            where="target.control",
            hint="choose target.control=rotated",
        )
    if isinstance(target, GivesArrays):
        if selection.decisions is not None:
            raise UserError(
                "scores of decisions need the network itself, and the target gives arrays",
                where="scoring.decisions.classifier",
                hint="leave it empty",
            )
        if "target" in selection.method.needs:
            raise UserError(
                f"{selection.names['method']} shows the network images of its own, and the target "
                "gives arrays",
                where="target",
                hint="choose a target that is a network",
            )
        for layer in selection.layers:
            arrays = target.arrays(layer, probe)
            if selection.directions is not None:
                selection.directions.count(arrays.units)
            if selection.uses_masks and arrays.map_size is None:
                raise UserError(
                    f"{selection.names['method']} compares maps with masks, and {layer} has one "
                    "number per image",
                    where="target",
                    hint="give maps: images x units x rows x columns (1 x 1 for a layer that has "
                    "no maps)",
                )
    if isinstance(encoder, GivesEmbeddings):
        if "image_text" in selection.method.needs:
            raise UserError(
                f"{selection.names['method']} embeds images and texts of its own, and the encoder "
                "is embeddings in files",
                where="encoder",
                hint="choose an encoder that is a model, such as open_clip",
            )
        _check_template(selection)
        needs_words = "concept_embeddings" in selection.method.needs
        encoder.check_embeddings(probe, selection.words if needs_words else ())
    if not getattr(probe, "has_images", True):
        _require_no_images(selection)


def _check_template(selection: Selection) -> None:
    """Let the method refuse an encoder that cannot embed its template without a label.

    Raises:
        UserError: The method needs this embedding.
    """
    check = getattr(selection.method, "check_template", None)
    if check is None:
        return
    try:
        check(embedded=False)
    except ValueError as error:
        raise explain_refusal(error, "method.params") from error


def _require_no_images(selection: Selection) -> None:
    """Refuse a job that looks at images.

    Raises:
        UserError: Names the first part that does.
    """
    needs, segmenter = selection.method.needs, selection.segmenter
    looks = {
        "the target": not isinstance(selection.target, GivesArrays),
        "the encoder": "image_embeddings" in needs
        and not isinstance(selection.encoder, GivesEmbeddings),
        "the segmenter": segmenter is not None and not segmenter.uses_probe_masks,
        "the captioner": selection.captioner is not None,
    }
    for part in (part for part, needed in looks.items() if needed):
        raise UserError(
            f"{part} looks at the images, and the probe set has only their names",
            where="probe.params.images",
            hint="give the folder of the images, or arrays in place of the model",
        )
