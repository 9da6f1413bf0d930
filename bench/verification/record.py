"""Verify one record: recompute what follows from its labels, and compare."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from bench.config.amend import amend
from bench.errors import UserError
from bench.parts.choice import CONF
from bench.run.score_inputs import layer_coverage, score_inputs
from bench.verification.judges import RecordedJudges, build_judges, judges_of
from bench.verification.keys import check_key
from bench.verification.names import find_truth
from bench.verification.request import check_request
from leaderboards.files import sha256_unpacked
from leaderboards.hashing import canonical_json, short_hash
from leaderboards.record import Record, RecordError
from leaderboards.record_tables import DESCRIPTIONS, read_descriptions, read_set_sizes, read_units
from leaderboards.scores import read_scores
from leaderboards.timings import read_timings
from leaderboards.verify.aggregates import compare_controls, compare_scores
from leaderboards.verify.faithfulness import check_faithfulness
from leaderboards.verify.findings import Findings
from leaderboards.verify.stability import check_stability
from leaderboards.verify.tables import check_descriptions, check_hashes, check_score_hashes
from leaderboards.verify.units import (
    JUDGED,
    RANKED,
    check_cosines,
    check_ranks,
    compare_units,
    lexical_columns,
    normalise_units,
)
from metrics.aggregate import aggregate_units
from metrics.scoring import score

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from bench.run.build import Parts
    from bench.run.judges import Judges
    from leaderboards.scores import ScoreSet
    from metrics.scores import ScoringResult


def verify_record(
    folder: Path, parts: Parts, *, embed: bool = False, rerun: bool = False
) -> Findings:
    """Verify a record; files that cannot be read are mismatches.

    Args:
        folder: The record's folder.
        parts: Parts that were built for other records.
        embed: Recompute cosines too, with the record's own models.
        rerun: Make the labels anew and compare them.
    """
    folder = folder.resolve()
    verification = _Verification(folder, parts, embed, Findings("/".join(folder.parts[-2:])))
    findings = verification.findings
    try:
        verification.run()
        if rerun:
            from bench.verification.rerun import check_rerun

            check_rerun(folder, read_config(folder), findings)
    except RecordError as error:
        findings.mismatches.append(str(error).replace(f"{folder}{os.sep}", ""))
    except UserError as error:
        findings.trust("labels", error.what)
    return findings


def read_config(folder: Path) -> DictConfig:
    """Read a record's config.yaml, with the settings of this release.

    Raises:
        UserError: It is missing or no configuration.
    """
    try:
        config = OmegaConf.load(folder / "config.yaml")
    except (OSError, YAMLError, OmegaConfBaseException) as error:
        raise UserError(f"config.yaml cannot be read: {error}") from error
    if not isinstance(config, DictConfig):
        raise UserError("config.yaml is not a mapping of settings")
    return amend(config, [], CONF)


@dataclass
class _Verification:
    """Verifies one record.

    Attributes:
        folder: The record's folder.
        parts: Parts that were built for other records.
        embed: Whether to recompute cosines.
        findings: Gets what differs.
    """

    folder: Path
    parts: Parts
    embed: bool
    findings: Findings
    _scored: dict[str, ScoringResult] = field(default_factory=dict)
    """Results without models, which scores files by different judges share."""

    def run(self) -> None:
        self.record = record = Record.read(self.folder)
        name = record.method.get("name")
        if (self.folder.parent.name, self.folder.name) != (name, record.key):
            message = f"names {name}/{record.key}, the folder is {self.folder.parent.name}/"
            self.findings.differ("record.json", f"{message}{self.folder.name}")
        self.findings.where = f"{record.board}/{name}/{record.key}"
        if record.status != "ok":
            return
        for fault in read_timings(self.folder)[1]:
            self.findings.differ("timings.jsonl", fault.rpartition("/")[2])
        self.descriptions = read_descriptions(self.folder)
        check_hashes(self.folder, record, self.findings)
        check_descriptions(self.descriptions, record, self.findings)
        check_stability(self.folder, self.descriptions, self.findings)
        check_faithfulness(self.folder, self.descriptions, self.findings)
        described = sha256_unpacked(self.folder / DESCRIPTIONS)
        judges = self._build_judges()
        if not any(self.folder.glob("scores/[!.]*.json")):
            self.findings.trust("labels", "they have no scores; `dissectbench score` makes them")
        for path in sorted(self.folder.glob("scores/[!.]*")):
            if path.suffix == ".json":
                scores = read_scores(path)
                check_score_hashes(self.folder, scores, self.findings, described)
                self._check_skey(path.stem, scores)
                self._verify_scores(scores, judges)
            elif not path.with_name(f"{path.name.partition('.')[0]}.json").exists():
                self.findings.differ(f"scores/{path.name}", "belongs to no scores file")

    def _build_judges(self) -> Judges | None:
        try:
            judges = build_judges(self.record, read_config(self.folder), self.parts)
        except UserError as error:
            self.findings.trust("key and labels", error.what)
            return None
        check_key(self.record, judges, self.findings)
        if isinstance(judges, RecordedJudges):
            check_request(self.record, judges, self.findings)
        return judges

    def _check_skey(self, stem: str, scores: ScoreSet) -> None:
        for what, key in (("name", stem), ("hash of its scoring", short_hash(scores.scoring))):
            if key != scores.skey:
                message = f"{scores.skey}, but the {what} is {key}"
                self.findings.differ(f"scores/{stem}.json: skey", message)

    def _verify_scores(self, scores: ScoreSet, judges: Judges | None) -> None:
        record, findings = self.record, self.findings
        where = f"scores/{scores.skey}.units.csv.gz"
        table = read_units(self.folder, scores.skey, exact=not scores.tables)
        if list(table["unit"]) != list(range(record.target["units"])):
            findings.differ(f"{where}: unit", f"not 0, 1, ..., {record.target['units'] - 1}")
            return
        stored = normalise_units(table)
        check_cosines(stored, where, findings)
        given = self._inputs(scores, stored, judges)
        has_cosines = bool(stored[list(JUDGED)].notna().any(axis=None))
        if given is None:
            found = aggregate_units(stored, seed=scores.scoring["seed"], circular=scores.circular)
            compare_scores(scores, found, table, findings)
        else:
            wanted = self._score(given, scores)
            if wanted is None:
                return
            columns = lexical_columns(wanted.units)
            if "reach" in table and given["concepts"] is not None:
                columns.append("reach")
            compare_units(stored, wanted.units, where, findings, columns)
            check_ranks(stored, given, where, findings)
            kept = {name: stored[name] for name in ("score", "reach", *RANKED, *JUDGED)}
            merged = wanted.units.assign(**kept)
            found = aggregate_units(merged, seed=given["seed"], circular=scores.circular)
            found |= {name: own for name, own in wanted.values.items() if name == "bleu"}
            found |= layer_coverage(wanted, given["truth"], record.target.get("left_out", ()))
            found = {
                name: replace(own, p_shuffled=wanted.values[name].p_shuffled)
                if name in wanted.values
                else own
                for name, own in found.items()
            }
            compare_scores(scores, found, table, findings)
            by_set = record.method.get("vocabulary") in ("concept set", "mask labels")
            if by_set and given["concepts"] is None and not record.is_imported:
                findings.trust("controls", "the candidate labels are not on this machine")
            else:
                compare_controls(scores, wanted.controls, findings)
            if self.embed and has_cosines and judges is not None:
                from bench.verification.embed import check_cosines_again

                check_cosines_again(record, judges, given, scores, stored, findings)
                return
        if has_cosines:
            findings.trust("cosines and their controls", "--embed recomputes them")

    def _inputs(
        self, scores: ScoreSet, stored: pd.DataFrame, judges: Judges | None
    ) -> dict[str, Any] | None:
        """Return the arguments of `score`; None where they are not on this machine."""
        if judges is None:
            return None
        named = stored[stored["truth"] != ""]
        published = dict(zip(named["unit"].tolist(), named["truth"], strict=True))
        configured = judges.config.target.truth
        truth = find_truth(scores.scoring["truth"], configured, published, self.parts)
        if truth is None:
            self.findings.trust("labels beside true names", "the truth is not on this machine")
            return None
        layer = self.record.target["layer"]
        own = judges_of(judges, scores.scoring, truth, layer)
        try:
            if own.reading(layer).get("reading") != scores.scoring.get("reading"):
                why = "another release read the labels in another way"
                self.findings.trust("labels beside true names in older scores", why)
                return None
            sizes = read_set_sizes(self.folder, self.record.target["units"])
            return score_inputs(self.record, self.descriptions, own, sizes)
        except UserError as error:
            self.findings.trust("labels beside true names", error.what)
            return None

    def _score(self, given: dict[str, Any], scores: ScoreSet) -> ScoringResult | None:
        parts = ("truth", "rules", "reading", "seed")
        key = canonical_json({name: scores.scoring.get(name) for name in parts})
        if key not in self._scored:
            try:
                self._scored[key] = score(**given, score_matrix=None, sentence=None)
            except ValueError as error:
                self.findings.differ(DESCRIPTIONS, str(error))
                return None
        return self._scored[key]
