"""What of a request can run here, and what is missing for the rest; looks, and reads little.

A cell whose data are not on this machine has no key: nobody can say what it would compute on. So
parts are asked for unmet requirements before they are asked for fingerprints.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.downloads.requirements import unmet_requirements
from bench.errors import UserError
from bench.offline import offline
from bench.run.plan import PlannedJob, plan_job
from bench.run.selection import build_parts

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bench.config.compose import Job
    from bench.downloads.requirements import Requirement
    from bench.run.selection import Parts

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Surveyed:
    """One job, as far as this machine lets it be known.

    Attributes:
        job: What was asked for.
        parts: Built; None where even that failed.
        unmet: Requirements of its parts that this machine does not meet.
        planned: With keys and states; None where they cannot be known.
        fault: Why not, beyond unmet requirements.
    """

    job: Job
    parts: Parts | None
    unmet: tuple[Requirement, ...] = ()
    planned: PlannedJob | None = None
    fault: UserError | None = None

    @property
    def possible(self) -> bool:
        """Whether a run would get through."""
        return self.planned is not None and not self.blocking

    @property
    def blocking(self) -> tuple[Requirement, ...]:
        """Return requirements that stop the run; none where all cells are finished."""
        if self.planned is not None and not self.planned.left():
            return ()
        cut_off = self.job.config.runtime.offline
        return tuple(
            requirement for requirement in self.unmet if cut_off or not requirement.automatic
        )


def survey(jobs: Iterable[Job]) -> list[Surveyed]:
    """Look every job up, in order. A job of the same cells as an earlier one is left out."""
    found: dict[object, Surveyed] = {}
    for job in jobs:
        looked_up = _survey(job)
        planned = looked_up.planned
        key: object = (
            (*((cell.folder, cell.skey) for cell in planned.cells), job.config.runtime.share)
            if planned
            else object()
        )
        found.setdefault(key, looked_up)
    return list(found.values())


def plan(jobs: Iterable[Job], *, only_possible: bool = False) -> list[PlannedJob]:
    """Plan every job of a request, in order.

    Args:
        jobs: The request's jobs.
        only_possible: Leave out those that cannot run here; else the first of them is an error.

    A job that has the same cells as an earlier one is left out: a setting that differs between
    them, such as the concept set of a method that brings its own words, decides nothing.

    Raises:
        UserError: As of `require_all`.
    """
    surveyed = survey(jobs)
    possible = [found for found in surveyed if found.possible]
    if only_possible and 0 < len(possible) < len(surveyed):
        _LOG.warning(
            "%d of %d jobs are left out: `dissectbench plan` with the same words says why",
            len(surveyed) - len(possible),
            len(surveyed),
        )
    return require_all(possible if only_possible and possible else surveyed)


def find_unmet(parts: Parts) -> tuple[Requirement, ...]:
    """Return the unmet requirements of the parts that a job uses, without duplicates."""
    used: list[object] = [parts.target, parts.truth, parts.probe]
    # Masks may have the words of the concept set, and then bear its name: both are read.
    used += [] if parts.free_text else [parts.concepts]
    used += [parts.encoder, parts.segmenter, parts.captioner]
    # Whether there is anything to judge, and what is decided on, hangs on the truth's names.
    names_unknown = bool(unmet_requirements(parts.truth))
    if names_unknown or parts.may_be_judged:
        used += [parts.sentence, parts.clip_text]
    if not names_unknown and parts.deciding is not None:
        used.append(parts.deciding.probe)
    return tuple(
        dict.fromkeys(requirement for part in used for requirement in unmet_requirements(part))
    )


def require_all(surveyed: Sequence[Surveyed]) -> list[PlannedJob]:
    """The planned jobs of a request that can run as a whole.

    Raises:
        UserError: Something is missing, or a part cannot be what was asked for; of several things
            the first, with the command that lists all.
    """
    stopped = [found for found in surveyed if not found.possible]
    if stopped:
        raise _refusal(stopped[0], len(stopped), len(surveyed))
    return [found.planned for found in surveyed if found.planned]


def _refusal(found: Surveyed, stopped: int, jobs: int) -> UserError:
    """Why a job cannot run; and, of several jobs, what can be done about the others."""
    if found.blocking:
        requirement = found.blocking[0]
        error = UserError(
            f"{requirement.name} is not here",
            where=requirement.where,
            valid=requirement.similar,
            hint=requirement.hint,
        )
    else:
        assert found.fault is not None
        error = found.fault
    if jobs == 1:
        return error
    others = (
        f"{stopped} of {jobs} jobs cannot run: `dissectbench plan` with the same words says why"
    )
    if stopped < jobs:
        others += ", `dissectbench run --possible` runs the others"
    hint = f"{error.hint}; {others}" if error.hint else others
    return UserError(error.what, where=error.where, valid=error.valid, hint=hint)


def _survey(job: Job) -> Surveyed:
    parts: Parts | None = None
    unmet: tuple[Requirement, ...] = ()
    try:
        with offline(job.config.runtime.offline):
            parts = build_parts(job.config)
            unmet = find_unmet(parts)
            if any(not requirement.automatic for requirement in unmet):
                return Surveyed(job, parts, unmet)
            return Surveyed(job, parts, unmet, plan_job(job))
    except UserError as fault:
        return Surveyed(job, parts, unmet, fault=fault)
