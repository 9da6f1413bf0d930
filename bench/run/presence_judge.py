"""An image-text encoder as judge of what images show."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from baselines.calibration import Calibration, fit_calibration
from bench.config.compose import expand
from bench.config.grammar import parse_single
from bench.errors import UserError
from bench.evidence import EvidenceRequest, gather
from bench.evidence.text import text_embeddings
from bench.parts import catalog
from bench.parts.optional_protocols import GivesEmbeddings
from bench.run.build import build_part
from bench.run.identity import fingerprint, params_of
from bench.timing import Timer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.evidence import Store
    from bench.networks.execution import Execution
    from bench.parts.protocols import Encoder, Probe, Target
    from bench.run.presence import Presence
    from leaderboards.record import Record
    from metrics.numeric import Floats

FIT = "fit"
_WHERE = "--calibration"
_FITTED_IMAGES = 2_000
"""Most images to which a calibration is fitted, evenly spaced."""


@dataclass(frozen=True)
class PresenceJudge:
    """An image-text encoder whose calibrated similarity says whether an image shows a label.

    Attributes:
        name: Name of the encoder.
        encoder: The encoder.
        calibration: From cosine to probability; None to fit it on images with known concepts.
        source: Where the calibration comes from: "encoder" (its own), "given" or "fitted".
    """

    name: str
    encoder: Encoder
    calibration: Calibration | None
    source: str

    def made(self, record: Record) -> bool:
        """Return whether the record's labels were made with the same weights."""
        own, other = fingerprint(self.encoder), record.encoder.get("fingerprint") or {}
        if not isinstance(other, dict):
            return False
        weights = own.get("weights")
        return bool(weights and weights == other.get("weights")) or dict(own) == other

    def shares_text_tower(self, record: Record) -> bool:
        """Return whether the record's labels were made with the same text tower."""
        other = record.encoder.get("fingerprint") or {}
        tower = fingerprint(self.encoder).get("text_tower")
        return bool(tower) and isinstance(other, dict) and tower == other.get("text_tower")

    def describe(self, calibration: Calibration) -> dict[str, Any]:
        """Return the judge as in files of scores."""
        return {
            "kind": "encoder",
            "name": self.name,
            "params": params_of(self.encoder),
            "fingerprint": dict(fingerprint(self.encoder)),
            "calibration": {**calibration._asdict(), "source": self.source},
        }


def build_judge(overrides: Sequence[str], calibration: str) -> PresenceJudge:
    """Build a judge.

    Args:
        overrides: `judge=ENCODER`, a choice of conf/encoder, and `judge.params.*`.
        calibration: "SCALE,BIAS", or "fit"; empty for the encoder's own.

    Raises:
        UserError: The encoder or the calibration is invalid, or none is known.
    """
    parse_single(overrides, sweeps=False)
    request = [text.replace("judge", "encoder", 1) for text in overrides]
    try:
        config = expand(request)[0].config.encoder
        encoder = build_part(catalog.ENCODERS, config, "encoder")
    except UserError as error:  # name the settings that were given
        error.where = re.sub(r"^encoder\b", "judge", error.where)
        error.hint = error.hint.replace("encoder.params", "judge.params")
        raise
    if calibration == FIT:
        return PresenceJudge(config.name, encoder, None, "fitted")
    if calibration:
        return PresenceJudge(config.name, encoder, _parse(calibration), "given")
    known = getattr(encoder, "calibration", None)
    if known is None:
        raise UserError(
            f"no calibration of the encoder {config.name} is known",
            where=_WHERE,
            hint="--calibration fit (on the labels' own images, by their masks or classes), or "
            "--calibration SCALE,BIAS for sigmoid(SCALE * (cosine + BIAS))",
        )
    return PresenceJudge(config.name, encoder, known, "encoder")


def _parse(calibration: str) -> Calibration:
    try:
        scale, bias = map(float, calibration.split(","))
    except ValueError:
        scale = bias = float("nan")
    if not (0 < scale < float("inf") and np.isfinite(bias)):
        raise UserError(
            f"invalid calibration {calibration!r}",
            where=_WHERE,
            hint="give a positive scale and a bias, such as 58,-0.25; or fit",
        )
    return Calibration(scale, bias)


@dataclass(frozen=True)
class ImageTextCosines:
    """Computes similarities of images and texts in the space of an encoder.

    Attributes:
        encoder: The encoder.
        target: A network; it is not run.
        store: The evidence cache.
        execution: Device and batch size.
    """

    encoder: Encoder
    target: Target
    store: Store
    execution: Execution

    def compute(self, probe: Probe, texts: Sequence[str]) -> Floats:
        """Return cosines of N images and C texts, float64 [N, C]."""
        if not texts:
            return np.empty((len(probe), 0))
        if isinstance(self.encoder, GivesEmbeddings):
            self.encoder.check_embeddings(probe, texts)
        device = self.execution.device
        timer = Timer(device)
        request = EvidenceRequest(
            self.target, [], probe, encoder=self.encoder, execution=self.execution
        )
        gathered = gather(request, store=self.store, timer=timer)
        assert gathered.embeddings is not None
        embedded = text_embeddings(
            self.encoder, texts, store=self.store, timer=timer, device=device
        )
        images = np.asarray(gathered.embeddings(), dtype=np.float64)
        own = embedded.embeddings.numpy().astype(np.float64)
        images, own = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (images, own))
        cosines: Floats = images @ own.T
        return cosines

    def fit(self, probe: Probe, names: Sequence[str], presence: Presence) -> Calibration:
        """Fit a calibration to images whose concepts are known.

        Args:
            probe: The images.
            names: Names of C concepts.
            presence: Which images show them [N, C].

        Raises:
            UserError: The encoder's similarity does not tell which images show a concept.
        """
        rows = np.unique(np.linspace(0, len(probe) - 1, _FITTED_IMAGES).astype(np.int64))
        try:
            found = fit_calibration(self.compute(probe, names)[rows], presence[rows])
        except ValueError as error:
            raise UserError(
                f"the calibration cannot be fitted: {error}",
                where=_WHERE,
                hint="give a scale and a bias, or another judge",
            ) from error
        # Few digits, so that the last bits of the arithmetic do not change the key.
        return Calibration(round(found.scale, 3), round(found.bias, 5))
