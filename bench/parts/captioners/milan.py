"""A MILAN decoder from a file, on features of a network of torchvision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from bench.downloads.paths import require_file
from bench.downloads.requirements import unmet_path, unmet_requirements
from bench.errors import UserError
from bench.files import sha256_file
from bench.parts.captioners.glyphs import CAPTIONER_VERSION

if TYPE_CHECKING:
    from baselines.captions import Captioner
    from bench.downloads.requirements import Requirement
    from bench.parts.protocols import Fingerprint
    from bench.parts.targets import TorchvisionTarget

_FILE = "captioner.params.file"

_TRAIN = "dissectbench train milan --annotations DIR --sources MODEL/DATASET ... --out FILE"


@dataclass(frozen=True)
class MilanCaptioner:
    """A decoder from `dissectbench train milan`.

    Attributes:
        file: The decoder, with its language model and vocabulary (.safetensors).
        arch: The network of torchvision that gives its features: a ResNet, or alexnet.
        weights: torchvision's name of that network's weights ("IMAGENET1K_V1").
        vision_file: A state dict of that network, instead of `weights`.
    """

    summary: ClassVar[str] = "a decoder from a file, as `dissectbench train milan` writes it"
    given: ClassVar[str] = "annotated units"

    file: str
    arch: str = "resnet101"
    weights: str = ""
    vision_file: str = ""

    def __post_init__(self) -> None:
        from bench.parts.captioners.milan_vision import pyramid_layers

        if bool(self.weights) == bool(self.vision_file):
            raise UserError(
                "give the weights of the network whose features the decoder reads",
                where="captioner.params",
                hint="add captioner.params.weights=IMAGENET1K_V1, or .vision_file=PATH",
            )
        pyramid_layers(self.arch)

    @property
    def image_size(self) -> int:
        """Side of the exemplars, in pixels."""
        from bench.parts.captioners.milan_vision import IMAGE_SIZE

        return IMAGE_SIZE

    def unmet_requirements(self) -> tuple[Requirement, ...]:
        """Return the decoder and the weights of the network, if missing."""
        return (
            *unmet_path(self.file, "decoder", _FILE, _TRAIN),
            *unmet_requirements(self._vision()),
        )

    def fingerprint(self) -> Fingerprint:
        """Return the decoder's sha256, and architecture and weights of the network."""
        from bench.parts.captioners.milan_vision import vision_fingerprint

        return {
            "kind": "milan",
            "decoder": sha256_file(require_file(self.file, _FILE)),
            "looks_through": dict(vision_fingerprint(self._vision())),
            "version": CAPTIONER_VERSION,
        }

    def load(self, device: str) -> Captioner:
        """Build all networks and read their weights."""
        from baselines.captioning.model_file import read_captioner
        from baselines.captioning.trained import TrainedCaptioner
        from bench.parts.captioners.milan_vision import load_pyramid, vision_fingerprint

        try:
            stored = read_captioner(require_file(self.file, _FILE))
        except ValueError as error:
            raise UserError(str(error), where=_FILE) from error
        wanted, found = stored.info.get("looks_through"), dict(vision_fingerprint(self._vision()))
        if wanted is not None and wanted != found:
            raise UserError(
                f"the decoder was trained on features of {wanted}, not {found}",
                where="captioner.params",
                hint="give the architecture and the weights of its training",
            )
        return TrainedCaptioner(
            load_pyramid(self._vision()),
            stored.decoder,
            stored.language_model,
            stored.vocabulary,
            device=device,
        )

    def _vision(self) -> TorchvisionTarget:
        from bench.parts.targets import TorchvisionTarget

        return TorchvisionTarget(self.arch, weights=self.weights, file=self.vision_file)
