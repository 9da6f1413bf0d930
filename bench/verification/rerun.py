"""Make the labels of a record anew in a temporary folder, and compare them."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING

from bench.config.compose import Job
from bench.config.schema import NONE
from bench.errors import UserError
from leaderboards.record import Record
from leaderboards.record_tables import DESCRIPTIONS, read_descriptions
from leaderboards.verify.labels import compare_labels

if TYPE_CHECKING:
    from pathlib import Path

    from omegaconf import DictConfig

    from leaderboards.verify.findings import Findings


def check_rerun(folder: Path, config: DictConfig, findings: Findings) -> None:
    """Compare the first labels of a record, and their scores, with those of a new run.

    Evidence is read from the configured cache where it is complete.

    Args:
        folder: The record's folder.
        config: Its configuration, which is changed.
        findings: Gets what differs.
    """
    from bench.run.execute import execute
    from bench.run.plan import plan_job

    record = Record.read(folder)
    if record.is_imported:
        findings.trust("labels", "they were imported: there is no method to run")
        return
    layer = record.target["layer"]
    with tempfile.TemporaryDirectory(prefix="dissectbench-") as scratch:
        config.results = scratch
        config.target.layers = [layer]
        config.scoring.sentence = {"name": NONE, "params": {}}
        config.scoring.clip_text = {"name": NONE, "params": {}}
        config.scoring.decisions.classifier = ""
        try:
            plan = plan_job(Job((), config))
            [cell] = plan.cells
            if cell.key != record.key:
                findings.trust("labels", "the parts on this machine are not those of the record")
                return
            execute(plan)
        except UserError as error:
            findings.trust("labels", f"cannot be made anew: {error.what}")
            return
        again = Record.read(cell.folder)
        if again.status != "ok":
            message = str((again.error or {}).get("message", "no reason recorded"))
            findings.differ(DESCRIPTIONS, f"the new run failed: {message}")
            return
        compare_labels(read_descriptions(folder), read_descriptions(cell.folder), findings)
