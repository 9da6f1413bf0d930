"""Any architecture of torchvision, with torchvision's weights or those of a file."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, ClassVar

from bench.errors import UserError, nearest
from bench.files import sha256_file
from bench.parts import Fingerprint, LoadedTarget
from bench.paths import require_file
from bench.targets.state_dict import load_into, read_state_dict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from PIL.Image import Image
    from torch import Tensor, nn

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class TorchvisionTarget:
    """A torchvision network.

    Attributes:
        arch: Name in torchvision: "resnet50", "squeezenet1_0", "vit_b_16".
        weights: One of torchvision's own weights ("IMAGENET1K_V2", "DEFAULT"); give this or `file`.
        file: A state dict: .safetensors, .pth, .pt or .pth.tar.
        num_classes: Units of the final layer; read off the file where null.
        input_size: Side of the square centre crop, in pixels.
        resize: Length that the shorter side is brought to before; 0 squashes the whole image to
            the input size.
        mean: Of the input normalisation, red, green, blue.
        std: As `mean`.

    Where `input_size`, `resize`, `mean` and `std` are all null, torchvision's weights bring their
    own transform, and a file gets 224, 256 and ImageNet's mean and std.
    """

    summary: ClassVar[str] = "a torchvision architecture with its own weights or a file's"

    arch: str
    weights: str = ""
    file: str = ""
    num_classes: int | None = None
    input_size: int | None = None
    resize: int | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        if bool(self.weights) == bool(self.file):
            raise UserError(
                "give the target's weights: either torchvision's own or a file",
                where="target.params",
                cure="add target.params.weights=DEFAULT or target.params.file=PATH",
            )
        for name in ("mean", "std"):
            value = getattr(self, name)
            if value is None:
                continue
            if len(value) != 3 or not all(isinstance(v, int | float) for v in value):
                raise UserError(
                    f"{name} must be three numbers, not {list(value)}",
                    where=f"target.params.{name}",
                )
            object.__setattr__(self, name, tuple(float(v) for v in value))
        if (self.input_size is not None and self.input_size < 1) or (self.resize or 0) < 0:
            raise UserError(
                "sizes are numbers of pixels: input_size from 1, resize from 0",
                where="target.params",
            )

    def fingerprint(self) -> Fingerprint:
        """Architecture, weights and transform."""
        return {
            "kind": "torchvision",
            "arch": self.arch,
            "weights": self._weights_identity(),
            "transform": self._transform_identity(),
        }

    def load(self, device: str) -> LoadedTarget:
        """Build the network and read its weights.

        Raises:
            UserError: No such architecture or weights, or a file that does not fit.
        """
        self._require_arch()
        module, transform = self._from_file() if self.file else self._from_torchvision()
        module = module.float().eval().requires_grad_(False).to(device)
        return LoadedTarget(module, transform)

    @property
    def visible_share(self) -> float | None:
        """Share of an image's shorter side that the network sees; None where nobody knows."""
        if self._own_transform:
            return None
        size, resize, _, _ = self._transform_values()
        return size / resize if resize else 1.0

    @property
    def squashes(self) -> bool:
        """Whether it brings the whole image to a square, whatever its shape."""
        return not self._own_transform and self._transform_values()[1] == 0

    @property
    def _own_transform(self) -> bool:
        given = (self.input_size, self.resize, self.mean, self.std)
        return bool(self.weights) and all(value is None for value in given)

    def _transform_values(self) -> tuple[int, int, tuple[float, ...], tuple[float, ...]]:
        size = 224 if self.input_size is None else self.input_size
        # torchvision's classic proportion, 256 to 224, for other crops too.
        resize = round(size * 256 / 224) if self.resize is None else self.resize
        return size, resize, self.mean or IMAGENET_MEAN, self.std or IMAGENET_STD

    def _transform_identity(self) -> Mapping[str, Any]:
        if self._own_transform:
            return {"own": f"{self.arch}/{self.weights}", "torchvision": version("torchvision")}
        size, resize, mean, std = self._transform_values()
        return {"size": size, "resize": resize, "mean": list(mean), "std": list(std)}

    def _weights_identity(self) -> Mapping[str, Any]:
        if self.file:
            return {"sha256": sha256_file(require_file(self.file, "target.params.file"))}
        # torchvision publishes the bytes of a named entry under their hash: the name pins them.
        # DEFAULT moves from version to version.
        moving = {"version": version("torchvision")} if self.weights == "DEFAULT" else {}
        return {"torchvision": f"{self.arch}/{self.weights}", **moving}

    def _require_arch(self) -> None:
        from torchvision import models

        known = models.list_models(module=models)
        if self.arch not in known:
            raise UserError(
                f"torchvision has no architecture {self.arch!r}",
                where="target.params.arch",
                valid=nearest(self.arch, known),
                cure=f"choose among: {', '.join(known)}",
            )

    def _from_torchvision(self) -> tuple[nn.Module, Callable[[Image], Tensor]]:
        from torchvision import models

        known = models.get_model_weights(self.arch)
        names = [*known.__members__, "DEFAULT"]
        if self.weights not in names:
            raise UserError(
                f"torchvision has no weights {self.weights!r} for {self.arch}",
                where="target.params.weights",
                valid=nearest(self.weights, names),
                cure=f"choose among: {', '.join(dict.fromkeys(names))}",
            )
        entry = known[self.weights] if self.weights in known.__members__ else known.DEFAULT
        try:
            module = models.get_model(self.arch, weights=entry)
        except OSError as error:
            raise UserError(
                f"cannot download {entry}: {error}",
                where="target.params.weights",
                cure="get the file elsewhere and give it as target.params.file",
            ) from error
        return module, entry.transforms() if self._own_transform else self._transform()

    def _from_file(self) -> tuple[nn.Module, Callable[[Image], Tensor]]:
        where = "target.params.file"
        tensors = read_state_dict(require_file(self.file, where), where)
        classes = self.num_classes or self._infer_classes(tensors)
        module = self._build(classes)
        load_into(module, tensors, what=f"torchvision's {self.arch}", where=where)
        return module, self._transform()

    def _build(self, classes: int) -> nn.Module:
        import warnings

        from torchvision import models

        with warnings.catch_warnings():  # some architectures warn of their slow random init
            warnings.simplefilter("ignore", FutureWarning)
            module: nn.Module = models.get_model(self.arch, weights=None, num_classes=classes)
        return module

    def _infer_classes(self, tensors: Mapping[str, Tensor]) -> int:
        """Number of final units: where the file differs from a 1000-class network in that alone."""
        import torch

        default = 1000
        with torch.device("meta"):
            own = self._build(default).state_dict()
        for name, tensor in tensors.items():
            mine = own.get(name)
            if mine is None or mine.ndim != tensor.ndim or mine.ndim == 0:
                continue
            resized = mine.shape[0] == default != tensor.shape[0]
            if resized and mine.shape[1:] == tensor.shape[1:]:
                return int(tensor.shape[0])
        return default

    def _transform(self) -> Callable[[Image], Tensor]:
        from torchvision import transforms

        size, resize, mean, std = self._transform_values()
        shape = (
            [transforms.Resize(resize), transforms.CenterCrop(size)]
            if resize
            else [transforms.Resize((size, size))]
        )
        whole: Callable[[Image], Tensor] = transforms.Compose(
            [*shape, transforms.ToTensor(), transforms.Normalize(mean, std)]
        )
        return whole
