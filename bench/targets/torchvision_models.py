"""Any architecture of torchvision, with torchvision's weights or those of a file."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import PurePosixPath
from threading import Lock
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

from bench.downloads.lack import lack_of_path
from bench.errors import UserError, nearest
from bench.files import sha256_file
from bench.offline import is_offline
from bench.parts import Fingerprint, Lack, LoadedTarget
from bench.paths import require_file
from bench.targets.published import (
    checkpoints,
    entry_of_weights,
    find_weights,
    keeps_promise,
    weights_lacks,
)
from bench.targets.state_dict import is_auxiliary, load_into, read_state_dict
from bench.targets.transform import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    RESIZE,
    SIZE,
    TransformParams,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from PIL.Image import Image
    from torch import Tensor, nn

    from bench.downloads.entry import Download

__all__ = ["IMAGENET_MEAN", "IMAGENET_STD", "TorchvisionTarget"]

_SERVING = Lock()

PLAIN = re.compile(
    r"(alexnet|densenet|efficientnet|googlenet|inception|mnasnet|mobilenet|regnet|resnet|resnext"
    r"|shufflenet|squeezenet|vgg|wide_resnet)[\dv_]"
)
"""Beginnings of architectures whose layers all give [B, U, H, W] or [B, U]."""

_SAID = 300
"""Letters of torch's own account of what does not fit."""


@dataclass(frozen=True)
class TorchvisionTarget(TransformParams):
    """A torchvision network.

    Attributes:
        arch: Name in torchvision: "resnet50", "squeezenet1_0", "vit_b_16".
        weights: One of torchvision's own weights ("IMAGENET1K_V2", "DEFAULT"); give this or `file`.
            Their file is looked for in torch's hub cache, then in the data folder; else downloaded.
        file: A state dict: .safetensors, .pth, .pt or .pth.tar.
        num_classes: Units of the final layer; read off the file where null.

    Where `input_size`, `resize`, `mean` and `std` are all null, torchvision's weights bring their
    own transform, and a file gets 224, 256 and ImageNet's mean and std.
    """

    summary: ClassVar[str] = "a torchvision architecture with its own weights or a file's"

    arch: str
    weights: str = ""
    file: str = ""
    num_classes: int | None = None

    def __post_init__(self) -> None:
        if bool(self.weights) == bool(self.file):
            raise UserError(
                "give the target's weights: either torchvision's own or a file",
                where="target.params",
                cure="add target.params.weights=DEFAULT or target.params.file=PATH",
            )
        super().__post_init__()

    def fingerprint(self) -> Fingerprint:
        """Architecture, weights and transform."""
        return {
            "kind": "torchvision",
            "arch": self.arch,
            "weights": self._weights_identity(),
            "transform": self._transform_identity(),
        }

    def lacks(self) -> tuple[Lack, ...]:
        """The file, or torchvision's, where it is not here."""
        if self.file:
            return lack_of_path(self.file, "file of weights", "target.params.file")
        return weights_lacks(self.arch, self.weights)

    def module_paths(self) -> tuple[str, ...]:
        """Paths of the network's modules, without its weights."""
        import torch

        self._require_arch()
        with torch.device("meta"):
            module = self._build(self.num_classes or 1000)
        # Heads of training alone, which torchvision's own weights leave out.
        paths = [path for path, _ in module.named_modules(remove_duplicate=False) if path]
        return tuple(path for path in paths if not is_auxiliary(path))

    @property
    def plain_layers(self) -> bool:
        """Whether its layers all give [B, U, H, W] or [B, U]; known by name, without torch."""
        return PLAIN.match(f"{self.arch}_") is not None

    def untrained(self) -> LoadedTarget:
        """The network with random weights, which its layers' layouts do not hang on.

        Raises:
            UserError: No such architecture.
        """
        self._require_arch()
        module = self._build(self.num_classes or 1000).eval().requires_grad_(False)
        return LoadedTarget(
            module, self._entry().transforms() if self._own_transform else self._transform()
        )

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
        if self._own_transform and self._weights_entry:
            return SIZE / RESIZE  # what torchvision's presets of these weights do
        return super().visible_share

    @property
    def _own_transform(self) -> bool:
        return bool(self.weights) and not self._given

    @property
    def _weights_entry(self) -> Download | None:
        """What `dissectbench fetch` knows of torchvision's weights, if anything."""
        return entry_of_weights(self.arch, self.weights)

    def _transform_identity(self) -> Mapping[str, Any]:
        if self._own_transform:
            return {"own": f"{self.arch}/{self.weights}", "torchvision": version("torchvision")}
        return self._values_identity()

    def _weights_identity(self) -> Mapping[str, Any]:
        if self.file:
            return {"sha256": sha256_file(require_file(self.file, "target.params.file"))}
        # torchvision publishes the bytes of a named entry under their hash: the name pins them,
        # unless other bytes lie under it here. Of entries that are not known without torch, a file
        # that differs is refused by `load`.
        entry = self._weights_entry
        local = find_weights(entry.file_name) if entry else None
        if local and not keeps_promise(local):
            return {"sha256": sha256_file(local)}
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

        where = "target.params.weights"
        entry = self._entry()
        file = self._weights_file(entry)
        tensors = read_state_dict(file, where)
        try:
            with _served(entry, tensors):
                module = models.get_model(self.arch, weights=entry)
        except RuntimeError as error:  # torch's own words name every tensor
            raise UserError(
                f"{file} does not fit torchvision's {self.arch}: {str(error)[:_SAID]} ...",
                where=where,
                cure="delete this file; it is fetched anew",
            ) from error
        return module, entry.transforms() if self._own_transform else self._transform()

    def _entry(self) -> Any:
        """Torchvision's entry of the weights.

        Raises:
            UserError: There is none of that name.
        """
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
        return known[self.weights] if self.weights in known.__members__ else known.DEFAULT

    def _weights_file(self, entry: Any) -> Path:
        """The file of one of torchvision's weights: from this machine, or downloaded to it."""
        name = PurePosixPath(urlsplit(entry.url).path).name
        known = self._weights_entry
        file = find_weights(name)
        if file is None:
            return self._download(entry, checkpoints() / name)
        if known is None and not keeps_promise(file):
            raise UserError(
                f"{file} is not what its name promises: its sha256 is {sha256_file(file)}",
                where="target.params.weights",
                cure="delete it, so that it is fetched anew; or give it as target.params.file",
            )
        return file

    def _download(self, entry: Any, file: Path) -> Path:
        import torch

        known = self._weights_entry
        elsewhere = "get the file elsewhere and give it as target.params.file"
        cure = f"`dissectbench fetch {known.name}`, or {elsewhere}" if known else elsewhere
        digits = file.stem.rpartition("-")[2]
        try:
            if is_offline():
                raise ConnectionError("no connection may be opened")
            file.parent.mkdir(parents=True, exist_ok=True)
            torch.hub.download_url_to_file(entry.url, str(file), hash_prefix=digits)
        except (OSError, RuntimeError) as error:  # RuntimeError: the hash is another
            raise UserError(
                f"cannot download {entry}: {error}", where="target.params.weights", cure=cure
            ) from error
        return file

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


@contextmanager
def _served(entry: Any, tensors: Mapping[str, Tensor]) -> Iterator[None]:
    """Let torchvision's builder find tensors that were read here.

    Its builders know what their weights want of the architecture, but they would read the file
    themselves, from the hub cache alone and with pickle's full powers.
    """
    kind = type(entry)
    with _SERVING:
        kind.get_state_dict = lambda *_args, **_kwargs: dict(tensors)
        try:
            yield
        finally:
            del kind.get_state_dict
