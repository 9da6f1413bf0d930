"""The network of another target with random weights: a control that has learned nothing."""

from __future__ import annotations

from dataclasses import dataclass, fields
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, ClassVar

from bench.downloads.requirements import unmet_requirements
from bench.errors import UserError
from bench.parts.optional_protocols import HasModulePaths, HasUntrained
from bench.parts.targets.networks import prepare

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.downloads.requirements import Requirement
    from bench.networks.loaded import LoadedTarget
    from bench.parts.protocols import Fingerprint, Target

_WHERE = "target.control"


@dataclass(frozen=True)
class RandomWeights:
    """A target's architecture and transform, with freshly initialised weights.

    The weights are those of the library's own initialisation, drawn on the CPU from the seed.

    Attributes:
        trained: The target; it has to build its network without weights (`HasUntrained`).
        seed: Seed of the weights.
    """

    summary: ClassVar[str] = "a target's network with random weights"

    trained: Target
    seed: int = 0

    @property
    def parameters(self) -> Mapping[str, Any]:
        """The parameters of the target."""
        part: Any = self.trained
        default = {field.name: getattr(part, field.name) for field in fields(part)}
        return dict(getattr(part, "parameters", default))

    def fingerprint(self) -> Fingerprint:
        """Return architecture and transform of the target, the seed, and torch's version."""
        own = {k: v for k, v in self.trained.fingerprint().items() if k != "weights"}
        return {"kind": "random_weights", "of": own, "seed": self.seed, "torch": version("torch")}

    def unmet_requirements(self) -> tuple[Requirement, ...]:
        """Return what the trained network needs: it has to have the same units."""
        return unmet_requirements(self.trained)

    def module_paths(self) -> tuple[str, ...]:
        """Return the paths of the network's modules."""
        if isinstance(self.trained, HasModulePaths):
            return self.trained.module_paths()
        named = self.untrained().module.named_modules(remove_duplicate=False)
        return tuple(path for path, _ in named if path)

    def untrained(self) -> LoadedTarget:
        """Return the network on the CPU.

        Raises:
            UserError: The target cannot build its network without weights.
        """
        if not isinstance(self.trained, HasUntrained):
            raise UserError(
                "this target cannot build its network without weights",
                where=_WHERE,
                hint="use a target of torchvision or timm, or give a function that builds the "
                "network with random weights as a target of its own (target=callable)",
            )
        import torch

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            return self.trained.untrained()

    def load(self, device: str) -> LoadedTarget:
        """Build the network, and compare its units with those of the trained network.

        Raises:
            UserError: As of `untrained`; or a layer has another number of units.
        """
        network, trained = self.untrained(), self.trained.load("cpu")
        own, theirs = network.module.state_dict(), trained.module.state_dict()
        for name in own.keys() & theirs.keys():
            if own[name].shape != theirs[name].shape:
                raise UserError(
                    f"with random weights {name} has the shape {list(own[name].shape)}, trained "
                    f"{list(theirs[name].shape)}",
                    where=_WHERE,
                    hint="set the number of the network's classes: target.params.num_classes=N",
                )
        return prepare(network.module, trained.transform, device)

    @property
    def plain_layers(self) -> bool:
        """Whether all layers give [B, U, H, W] or [B, U]."""
        return bool(getattr(self.trained, "plain_layers", False))

    @property
    def visible_share(self) -> float | None:
        """Side of the central square that it sees, as a share of the image's shorter side."""
        return getattr(self.trained, "visible_share", 1.0)

    @property
    def squashes(self) -> bool:
        """Whether it resizes the whole image to a square."""
        return bool(getattr(self.trained, "squashes", False))
