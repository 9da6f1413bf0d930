"""Parameters that name files of the user."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from bench.downloads.requirements import unmet_path

if TYPE_CHECKING:
    from bench.downloads.requirements import Requirement


class FileParams:
    """A part that reads files.

    Class attributes:
        config_key: Config key of its parameters, such as "probe.params".
        reads: Parameters that name a file or folder, each with its meaning.
    """

    config_key: ClassVar[str]
    reads: ClassVar[tuple[tuple[str, str], ...]]

    def unmet_requirements(self) -> tuple[Requirement, ...]:
        """Return the missing files."""
        unmet = (
            unmet_path(getattr(self, name), what, f"{self.config_key}.{name}")
            for name, what in self.reads
        )
        return tuple(requirement for each in unmet for requirement in each)
