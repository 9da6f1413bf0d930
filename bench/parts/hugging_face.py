"""Loading of models with the libraries of Hugging Face."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from bench.errors import UserError
from bench.offline import offline as without_connections

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from bench.downloads.hub.models import ModelFiles


@contextmanager
def quiet_loading(*, offline: bool) -> Iterator[None]:
    """Silence progress bars and load reports of the model libraries.

    Args:
        offline: All files are on this machine: refuse connections.
    """
    import transformers

    verbosity = transformers.logging.get_verbosity()
    bars = transformers.logging.is_progress_bar_enabled()
    root_level = logging.getLogger().level
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    # open_clip logs its progress to the root logger.
    logging.getLogger().setLevel(max(root_level, logging.WARNING))
    try:
        with without_connections(offline):
            yield
    finally:
        transformers.logging.set_verbosity(verbosity)
        if bars:
            transformers.logging.enable_progress_bar()
        logging.getLogger().setLevel(root_level)


def load_parts(
    files: ModelFiles, name: str, loaders: Iterable[Any], *, where: str, hint: str
) -> tuple[list[Any], Mapping[str, Any]]:
    """Load a model and its processors with auto classes of transformers; run no foreign code.

    Args:
        files: The model's files.
        name: The model in the config, for messages.
        loaders: Auto classes; that of the model comes last.
        where: The config key of the model.
        hint: The hint if they cannot be loaded.

    Returns:
        The loaded objects, and the report on the model's weights.

    Raises:
        UserError: Files are missing, damaged, of another kind of model, or unsafe to load.
    """
    options: dict[str, Any] = {"trust_remote_code": False}
    options |= {"revision": files.revision} if files.revision else {"local_files_only": True}
    *processors, model = loaders
    try:
        with quiet_loading(offline=not files.revision):
            loaded = [loader.from_pretrained(files.source, **options) for loader in processors]
            # weights_only: do not run code in files of PyTorch's own format.
            module, report = model.from_pretrained(
                files.source, weights_only=True, output_loading_info=True, **options
            )
    except Exception as error:  # each cause has a class of its own
        raise UserError(f"cannot load {name}: {error}", where=where, hint=hint) from error
    return [*loaded, module], report


def check_weights(
    report: Mapping[str, Any],
    name: str,
    *,
    where: str,
    hint: str,
    counts: Callable[[str], bool] = lambda _: True,
) -> None:
    """Check that a model's files contain all weights; others would be random.

    Args:
        report: As of `load_parts`.
        name: The model in the config, for messages.
        where: Its config key.
        hint: The hint if weights are missing.
        counts: Whether a weight is needed, by its name.

    Raises:
        UserError: Weights are missing.
    """
    missing = sorted(key for key in report["missing_keys"] if counts(key))
    if missing:
        raise UserError(
            f"{name} lacks {', '.join(missing[:4])}: these would be random", where=where, hint=hint
        )
