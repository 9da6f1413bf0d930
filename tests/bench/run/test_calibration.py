"""Methods that read probabilities: which encoder's calibration is known, and what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.optimize import minimize

from baselines.calibration import Calibration
from bench.__main__ import main
from bench.config.compose import expand
from bench.errors import UserError
from bench.glyphs import vocabulary, world
from bench.parts.encoders import GlyphsEncoder, OpenClipPretrained
from bench.run.survey import plan
from leaderboards.record import Record

if TYPE_CHECKING:
    from pathlib import Path

CELL = ("method=linear", "probe.params.size=48")
SCENES = ("target=glyphs_scenes", "concepts=glyphs_scenes", "runtime.progress=false")


def key(*overrides: str) -> str:
    [job] = plan(expand([*CELL, *overrides]))
    return job.cells[0].key


def test_an_encoder_without_calibration_is_refused_before_anything_runs() -> None:
    with pytest.raises(UserError, match="no calibration is known for this encoder") as caught:
        key("encoder=open_clip")
    assert caught.value.where == "method.params"
    assert "method.params.scale and method.params.bias" in caught.value.hint
    given = ("method.params.scale=58", "method.params.bias=-0.25")
    assert key("encoder=open_clip", *given) != key(*given)


def test_a_calibration_that_leaves_all_concepts_out_is_told(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    never = ["method.params.scale=1", "method.params.bias=-2"]
    assert main(["run", *CELL, *SCENES, *never]) == 0
    told = capsys.readouterr().err.splitlines()[0]
    assert told.startswith("no unit has a label: of none of the 25 concepts")
    [file] = here.glob("results/local/linear/*/record.json")
    assert told in Record.read(file.parent).notes


def test_parameters_decide_the_key() -> None:
    own = key()
    changes = ("scale=58", "method.params.bias=-0.25"), ("least_gain=0.1",), ("max_concepts=3",)
    assert len({own, *(key(f"method.params.{first}", *rest) for first, *rest in changes)}) == 4
    labels = key("method=linear_labels")
    assert key("method=linear_labels", "encoder=open_clip") == labels
    assert key("method=linear_labels", "method.params.least_gain=0.1") != labels


def test_published_constants_belong_to_pretrained_tags() -> None:
    assert OpenClipPretrained("ViT-L-16-SigLIP-384", "webli").calibration == Calibration(60, -0.09)
    assert OpenClipPretrained("ViT-L-14-336", "laion2b").calibration is None


@pytest.mark.slow
def test_the_calibration_of_glyphs_is_a_logistic_regression() -> None:
    words = vocabulary.all_concepts()
    encoder = GlyphsEncoder().load("cpu")
    shown = np.zeros((400, len(words)), bool)
    images = []
    with torch.inference_mode():
        texts = torch.nn.functional.normalize(encoder.encode_texts(list(words)), dim=1)
        for index, row in enumerate(shown):
            sample = world.render(index, "val", "val")
            names = [vocabulary.SCENES[sample.scene_id].name]
            for one in sample.instances:
                names.append(vocabulary.OBJECTS[one.object_id].name)
                names.append(vocabulary.COLOURS[one.colour_id].name)
                names.append(vocabulary.TEXTURES[one.texture_id].name)
            row[[words.index(name) for name in names]] = True
            image = encoder.transform(Image.fromarray(sample.image))[None]
            images.append(encoder.encode_images(image))
    cosines = (torch.nn.functional.normalize(torch.cat(images), dim=1) @ texts.T).double().numpy()

    def loss(constants: np.ndarray) -> float:
        logits = constants[0] * (cosines + constants[1])
        return float(np.mean(np.logaddexp(0, logits) - shown * logits))

    found = minimize(loss, [20, -0.4], method="Nelder-Mead").x
    assert found[0] == pytest.approx(GlyphsEncoder.calibration.scale, abs=0.5)
    assert found[1] == pytest.approx(GlyphsEncoder.calibration.bias, abs=0.01)
