"""Find which jobs of a request can run on this machine, and what is missing for the others.

The key of a cell is unknown while its data are missing. So read the requirements of parts before
their fingerprints.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tqdm import tqdm

from bench.errors import UserError
from bench.offline import offline
from bench.run.build import Parts
from bench.run.judges import SelectionJudges
from bench.run.plan import JobPlan, plan_job
from bench.run.selection import build_selection

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bench.config.compose import Job
    from bench.downloads.requirements import Requirement
    from bench.run.selection import Selection

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class JobSurvey:
    """What is known of one job on this machine.

    Attributes:
        job: The job.
        selection: Its parts; None where they cannot be built.
        unmet: Requirements of its parts that this machine does not meet.
        plan: With keys; None where these are unknown.
        fault: Why it cannot run, beyond what is missing.
    """

    job: Job
    selection: Selection | None
    unmet: tuple[Requirement, ...] = ()
    plan: JobPlan | None = None
    fault: UserError | None = None

    def possible(self) -> bool:
        """Return whether a run of the job can start on this machine."""
        return self.plan is not None and not self.blocking()

    def blocking(self) -> tuple[Requirement, ...]:
        """Return what is missing and not fetched automatically; nothing where all is done."""
        if self.plan is not None and not self.plan.pending():
            return ()
        no_downloads = self.job.config.runtime.offline
        return tuple(need for need in self.unmet if no_downloads or not need.automatic)


def survey(jobs: Iterable[Job]) -> list[JobSurvey]:
    """Survey every job, in order; skip jobs with the same cells as an earlier one.

    Settings that differ between such jobs decide nothing, such as the concept set of a method that
    writes its own words.
    """
    surveys: dict[object, JobSurvey] = {}
    parts, listed = Parts(), list(jobs)
    hidden = None if all(job.config.runtime.progress for job in listed) else True
    # None: hidden without a terminal. A short request shows no bar.
    for job in tqdm(listed, desc="plan", unit="job", disable=hidden, delay=1, leave=False):
        found = _survey_job(job, parts)
        key: object = object()
        if found.plan:
            cells = ((cell.folder, cell.skey) for cell in found.plan.cells)
            key = (*cells, job.config.runtime.share)
        surveys.setdefault(key, found)
    return list(surveys.values())


def plan(jobs: Iterable[Job], *, only_possible: bool = False) -> list[JobPlan]:
    """Plan every job of a request, in order; jobs with the same cells once.

    Args:
        jobs: The request's jobs.
        only_possible: Leave out jobs that cannot run on this machine, unless none can.

    Raises:
        UserError: A job cannot run; the first one's reason, and the command that lists all.
    """
    surveys = survey(jobs)
    possible: list[JobSurvey] = []
    stopped: list[JobSurvey] = []
    for found in surveys:
        (possible if found.possible() else stopped).append(found)
    if stopped and not (only_possible and possible):
        raise _refusal(stopped[0], len(stopped), len(surveys))
    if stopped:
        _LOG.warning(
            "%d of %d jobs are left out: `dissectbench plan` with the same arguments says why",
            len(stopped),
            len(surveys),
        )
    return [found.plan for found in possible if found.plan]


def find_unmet(selection: Selection, parts: Parts | None = None) -> tuple[Requirement, ...]:
    """Return the unmet requirements of the parts that a job uses, without duplicates."""
    unmet = (parts or Parts()).unmet_requirements
    used: list[object] = [selection.target, selection.directions, selection.truth, selection.probe]
    # A method with masks reads the concept set too, to compare the words.
    used += [] if selection.free_text else [selection.concepts]
    used += [selection.encoder, selection.segmenter, selection.captioner]
    used += [selection.language_model, selection.generator]
    # Whether judges and images of decisions are needed depends on the truth's names.
    names_unknown = bool(unmet(selection.truth))
    if names_unknown or SelectionJudges.of(selection).may_judge:
        used += [selection.sentence, selection.clip_text]
    if not names_unknown and selection.decisions is not None:
        used.append(selection.decisions.probe)
    return tuple(dict.fromkeys(need for part in used for need in unmet(part)))


def _refusal(found: JobSurvey, stopped: int, jobs: int) -> UserError:
    """Return why a job cannot run; and, of several jobs, how to run the others."""
    blocking = found.blocking()
    if blocking:
        need = blocking[0]
        error = UserError(
            f"not found: {need.name}",
            where=need.where,
            valid=need.similar,
            hint=need.hint,
        )
    else:
        assert found.fault is not None
        error = found.fault
    if jobs == 1:
        return error
    others = (
        f"{stopped} of {jobs} jobs cannot run: `dissectbench plan` with the same arguments says why"
    )
    if stopped < jobs:
        others += ", `dissectbench run --possible` runs the others"
    hint = f"{error.hint}; {others}" if error.hint else others
    return UserError(error.what, where=error.where, valid=error.valid, hint=hint)


def _survey_job(job: Job, parts: Parts) -> JobSurvey:
    selection: Selection | None = None
    unmet: tuple[Requirement, ...] = ()
    try:
        with offline(job.config.runtime.offline):
            selection = build_selection(job.config, parts)
            unmet = find_unmet(selection, parts)
            if any(not need.automatic for need in unmet):
                return JobSurvey(job, selection, unmet)
            planned = plan_job(job, selection)
            planned.pending()  # refuse records that cannot be read
            return JobSurvey(job, selection, unmet, planned)
    except UserError as fault:
        return JobSurvey(job, selection, unmet, fault=fault)
