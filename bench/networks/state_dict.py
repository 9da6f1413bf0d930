"""Find a network's state dict in a checkpoint, and load it.

Training scripts save it under a key of their own, beside averaged weights and the optimizer's
state; wrappers put a prefix before its names. All names must be the network's: weights are never
loaded in part unless a setting says so.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.errors import UserError
from bench.networks.checkpoint import few

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from torch import Tensor, nn

    from bench.networks.checkpoint import Checkpoint

_HINT = "name the architecture that the file was trained with"

TOP = "."
"""The value of the setting that chooses the top level of the file."""

_WRAPPERS = frozenset({"module", "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"})
"""Parts of names from wrappers: DataParallel, torch.compile, FSDP, checkpointing."""

_COUNTERS = frozenset({"n_averaged"})
"""Tensors of `torch.optim.swa_utils.AveragedModel` beside the weights of its `module`."""

_INCEPTION = frozenset({"GoogLeNet", "Inception3"})
"""torchvision's networks with auxiliary classifiers, which many files do not hold."""


@dataclass(frozen=True)
class StateDict:
    """A state dict in a checkpoint.

    Attributes:
        tensors: By the network's names.
        source: The collection of the checkpoint that holds them.
        path: `source` and the prefix of the names in it, joined by a dot.
        unused: Names in `source` without that prefix.
        notes: What was loaded, for the record; empty where the file is the state dict.
    """

    tensors: Mapping[str, Tensor]
    source: str
    path: str
    unused: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def is_auxiliary(name: str) -> bool:
    """Return whether a name in torchvision's networks belongs to a head for training only."""
    return name.startswith(("aux", "AuxLogits"))


def find_state_dict(
    checkpoint: Checkpoint,
    module: nn.Module,
    *,
    what: str,
    where: str,
    chosen: str = "",
    optional: Collection[str] = (),
    ignored: tuple[str, ...] = (),
) -> StateDict:
    """Find the only state dict in a checkpoint whose names are those of a network.

    Args:
        checkpoint: The content of the file.
        module: The network; only its names count, so it may be on the meta device.
        what: Description of the network ("torchvision's resnet18"), for messages.
        where: The setting with the file, for messages.
        chosen: The keys that lead to the state dict, joined by dots, with a prefix of its names if
            only tensors with this prefix are to be loaded; "" for the only state dict.
        optional: Names of the network that the file need not have.
        ignored: Prefixes of further names that the file may have.

    Raises:
        UserError: No state dict fits, several fit, or one fits only in part.
    """
    setting = f"{where.rpartition('.')[0]}.state_dict"
    own = _tensors_of(module)
    required = _required(own, module) - set(optional)
    candidates = {k: v for k, v in checkpoint.items() if _may_contain(k, chosen)}
    if not candidates:
        raise UserError(
            f"the file holds no tensors under {chosen!r}",
            where=setting,
            hint=f"give one of its keys ({few(checkpoint)}), or leave the setting out",
        )
    fitting = [
        state_dict
        for source, tensors in candidates.items()
        for state_dict in _fitting(source, tensors, own, required, ignored)
        if not chosen or _is_chosen(state_dict.path, chosen)
    ]
    fitting = [
        state_dict for state_dict in fitting if (state_dict.path or TOP) == chosen
    ] or fitting
    if not fitting:
        raise UserError(
            f"the state dict does not fit {what}: it {_misfit(candidates, own, required)}",
            where=where,
            hint=_HINT + _other(checkpoint, setting),
        )
    if len(fitting) > 1:
        raise UserError(
            f"the file holds {len(fitting)} state dicts that fit {what}",
            where=where,
            hint=f"choose one: {_options(fitting, setting)}",
        )
    [state_dict] = fitting
    if state_dict.unused and (state_dict.path or TOP) != chosen:
        raise UserError(
            f"the state dict holds more than the weights of {what}: {few(state_dict.unused)}",
            where=where,
            hint=f"to take the weights alone: {_options(fitting, setting)}",
        )
    if not chosen and (alike := list(_of_equal_shapes(checkpoint, state_dict, module))):
        raise UserError(
            "the file holds tensors of the same shapes as the weights under other names, maybe "
            f"averaged weights: {few(alike)}",
            where=where,
            hint=f"to take the state dict beside them: {_options(fitting, setting)}",
        )
    return state_dict


def load_into(module: nn.Module, state_dict: StateDict, *, what: str, where: str) -> None:
    """Load all tensors of a state dict into a network.

    Args:
        module: The network.
        state_dict: By the network's names.
        what: Description of the network ("torchvision's resnet18"), for messages.
        where: The setting with the file, for messages.

    Raises:
        UserError: Names are missing or unexpected, shapes differ, or weights are quantised or
            sparse.
    """
    own = _tensors_of(module)
    faults = _misnamed(own, _required(own, module), state_dict.tensors)
    if differing := [
        f"{name} {tuple(tensor.shape)} for {tuple(own[name].shape)}"
        for name, tensor in state_dict.tensors.items()
        if name in own and tensor.shape != own[name].shape
    ]:
        faults.append(f"has other shapes: {few(differing)}")
    if faults:
        raise UserError(
            f"the state dict does not fit {what}: it {'; it '.join(faults)}",
            where=where,
            hint=_HINT,
        )
    if packed := [
        f"{name} ({_storage(tensor)})"
        for name, tensor in state_dict.tensors.items()
        if own[name].is_floating_point() and _storage(tensor)
    ]:
        raise UserError(
            f"some weights of the state dict are not dense floats: {few(packed)}",
            where=where,
            hint="save the network before it is quantised or made sparse",
        )
    module.load_state_dict(dict(state_dict.tensors), strict=False)


def _storage(tensor: Tensor) -> str:
    """Describe how a tensor is stored, if not as dense floats; else return "".

    Integers are weights only together with a scale, which a state dict does not hold.
    """
    import torch

    if tensor.is_meta:
        return "no values"
    if tensor.is_floating_point() and tensor.layout == torch.strided:
        return ""
    return str(tensor.dtype if tensor.layout == torch.strided else tensor.layout)


def _tensors_of(module: nn.Module) -> dict[str, Tensor]:
    """Return a network's state dict without the extra state of modules, which is not tensors."""
    import torch

    return {name: one for name, one in module.state_dict().items() if torch.is_tensor(one)}


def _required(own: Iterable[str], module: nn.Module) -> set[str]:
    """Return the names of a network's tensors that are used in eval mode."""
    inception = type(module).__name__ in _INCEPTION
    # Old files lack the counters of batch norm, which do nothing in eval mode.
    return {
        name
        for name in own
        if not (name.endswith("num_batches_tracked") or (inception and is_auxiliary(name)))
    }


def _misnamed(own: Collection[str], required: Collection[str], names: Collection[str]) -> list[str]:
    """Describe how the names of a state dict differ from those of the network."""
    faults = []
    if missing := [name for name in own if name in required and name not in names]:
        faults.append(f"lacks {few(missing)}")
    if unexpected := [name for name in names if name not in own]:
        faults.append(f"has unexpected {few(unexpected)}")
    return faults


def _may_contain(source: str, chosen: str) -> bool:
    """Return whether a collection may contain the chosen state dict, or is inside it."""
    if chosen in ("", TOP):
        return not chosen or not source
    return not source or _is_chosen(source, chosen) or chosen.startswith(f"{source}.")


def _is_chosen(path: str, chosen: str) -> bool:
    return chosen in (TOP, path) or path.startswith(f"{chosen}.")


def _fitting(
    source: str,
    tensors: Mapping[str, Tensor],
    own: Collection[str],
    required: Collection[str],
    ignored: tuple[str, ...],
) -> Iterator[StateDict]:
    """Find the state dicts in one collection: the network's names, after some prefix."""
    for strip in (str, _without_wrappers):
        mine, theirs = ({strip(name): name for name in names} for names in (own, tensors))
        if len(mine) < len(own) or len(theirs) < len(tensors):
            continue  # two names would become equal
        needed = {strip(name) for name in required}
        fits = False
        for prefix, n in _prefixes(theirs, mine).items():
            inside = {
                name.removeprefix(prefix): name
                for name in theirs
                if name.startswith(prefix) and not name.removeprefix(prefix).startswith(ignored)
            }
            if n < len(needed) or not needed <= inside.keys() <= mine.keys():
                continue
            fits = True
            names = {mine[short]: theirs[long] for short, long in inside.items()}
            yield StateDict(
                tensors={name: tensors[read] for name, read in names.items()},
                source=source,
                path=".".join(filter(None, (source, prefix.rstrip(".")))),
                unused=tuple(x for x in theirs if not x.startswith(prefix) and x not in _COUNTERS),
                notes=tuple(_notes(source, names)),
            )
        if fits:
            return


def _prefixes(theirs: Iterable[str], mine: Collection[str]) -> Counter[str]:
    """Count the names of the network after each prefix."""
    counts: Counter[str] = Counter()
    for name in theirs:
        parts = name.split(".")
        for at in range(len(parts)):
            if ".".join(parts[at:]) in mine:
                counts[".".join([*parts[:at], ""]) if at else ""] += 1
    return counts


def _without_wrappers(name: str) -> str:
    return ".".join(part for part in name.split(".") if part not in _WRAPPERS)


def _notes(source: str, names: Mapping[str, str]) -> Iterator[str]:
    """Say what was loaded, from the file's names by the network's."""
    if source:
        yield f"weights: took the state dict under {source!r}"
    prefixes = {read.removesuffix(name) for name, read in names.items()}
    if prefixes == {""}:
        return
    if all(read.endswith(name) for name, read in names.items()) and len(prefixes) == 1:
        yield f"weights: took the prefix {prefixes.pop()!r} off"
    else:
        parts = {part for name in names.values() for part in name.split(".")} & _WRAPPERS
        yield f"weights: left wrappers out of the names: {few(sorted(parts))}"


def _misfit(checkpoint: Checkpoint, own: Collection[str], required: Collection[str]) -> str:
    """Describe how the collection with the most similar names differs from the network."""
    counted = []
    for source, tensors in checkpoint.items():
        [(prefix, n)] = _prefixes(tensors, own).most_common(1) or [("", 0)]
        counted.append((n, len(tensors), source, prefix))
    *_, source, prefix = max(counted)
    names = [name.removeprefix(prefix) for name in checkpoint[source]]
    return "; it ".join(_misnamed(own, required, names))


def _other(checkpoint: Checkpoint, setting: str) -> str:
    """Return a hint about a file with several collections, or with one under a key."""
    if not any(checkpoint):
        return ""
    return f"; the file holds tensors under {few(checkpoint)} ({setting}=KEY takes one)"


def _of_equal_shapes(
    checkpoint: Checkpoint, state_dict: StateDict, module: nn.Module
) -> Iterator[str]:
    """Find other collections with the same shapes as the network's parameters."""
    parameters = [name for name, _ in module.named_parameters() if name in state_dict.tensors]
    shapes = Counter(state_dict.tensors[name].shape for name in parameters)
    for source, tensors in checkpoint.items():
        other = Counter(tensor.shape for tensor in tensors.values())
        if source != state_dict.source and len(parameters) > 1 and other == shapes:
            yield source


def _options(fitting: Iterable[StateDict], setting: str) -> str:
    return " or ".join(f"{setting}={one.path or TOP}" for one in fitting)
