"""A MILAN decoder from a file, over a network of torchvision."""

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
    """A decoder that `dissectbench train milan` has written.

    Attributes:
        file: The decoder, with its language model and vocabulary (.safetensors).
        arch: The network of torchvision that it looks through: a ResNet, or alexnet.
        weights: torchvision's name of that network's weights ("IMAGENET1K_V1"); or
        vision_file: a state dict of it.
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
                "give the weights of the network that the decoder looks through",
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
        """The decoder, which has to be trained first, and the network that it looks through."""
        return (
            *unmet_path(self.file, "decoder", _FILE, _TRAIN),
            *unmet_requirements(self._vision()),
        )

    def fingerprint(self) -> Fingerprint:
        """sha256 of the decoder; architecture and weights of the network it looks through."""
        from bench.parts.captioners.milan_vision import vision_fingerprint

        return {
            "kind": "milan",
            "decoder": sha256_file(require_file(self.file, _FILE)),
            "looks_through": dict(vision_fingerprint(self._vision())),
            "version": CAPTIONER_VERSION,
        }

    def load(self, device: str) -> Captioner:
        """Build all networks and read their weights.

        Raises:
            UserError: A file is missing or does not fit, or the decoder was trained to look through
                another network.
        """
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
                f"the decoder was trained to look through {wanted}, not {found}",
                where="captioner.params",
                hint="give the architecture and the weights that it was trained with",
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
