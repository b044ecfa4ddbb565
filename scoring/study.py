"""A study: the whole trip from a customer file to verdicts, as one page of calls, and what it leaves behind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from scoring.activity import ProcessingActivity
from scoring.customers.intake import admit, needed
from scoring.errors import ContractError
from scoring.fairness.counts import Counts, count
from scoring.fairness.metrics import known
from scoring.fairness.sums.amount_counts import count_amounts
from scoring.fairness.unseen.soft_counts import count_soft
from scoring.further import FurtherTables
from scoring.plan import Plan
from scoring.provenance import environment
from scoring.rejects import write_rejects
from scoring.scores import Scored, person_rows, score_customers
from scoring.tables import frame_digest
from scoring.vocabulary import UNKNOWN, Verdict
from scoring.why import inquire

if TYPE_CHECKING:
    from scoring.alternatives import Asked as SearchAsked

Step = Callable[[str], None]


@dataclass(frozen=True)
class Study(FurtherTables):
    """The frozen result: what was asked, the counts, what the score is made of, and where everything came from.

    The tables of a Study are working material: a row may speak of one person. `published()` gives what may be shown.
    """

    document: Mapping[str, Any] | None = None
    """The declaration as plain data; none for a study made in a notebook by `audit`."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What a reviewer asks of the score: engine, points, cut-off and its origin."""
    source: Mapping[str, Any] = field(default_factory=dict)
    """Name, SHA-256 and rows of the input."""
    environment: Mapping[str, Any] = field(default_factory=environment)
    digest: str | None = None
    """The digest of the manifest, once the study is on disk."""
    estimator: Any = field(default=None, repr=False, compare=False)

    def published(self, threshold: int | None = None) -> FurtherTables:
        """Return the tables with small groups folded, as dossier, dashboard and exports show them."""
        asked = threshold or self.plan.bounds.publication_threshold
        return FurtherTables(self.plan, self.counts, asked, self.cutoff, inquiry=self.inquiry)

    def save(self, folder: str | Path) -> Path:
        """Write the study as one folder, whole or not at all; it is restricted like the file it came from."""
        from scoring.storage import save

        return save(self, Path(folder))

    @classmethod
    def load(cls, folder: str | Path) -> Study:
        """Read a study, after every byte was checked against its manifest."""
        from scoring.storage import load

        return load(Path(folder))

    def plot(
        self,
        metric: str | None = None,
        *,
        kind: str = "forest",
        attribute: str | None = None,
        group: str | None = None,
        ax: Any = None,
        language: str = "en",
    ) -> Any:
        """Draw the study as it may be published; a notebook shows it.

        Parameters
        ----------
        metric
            Of the ratios; by default the primary one.
        kind
            ``forest`` (ratios against the tolerance), ``heatmap``, ``lattice`` (combinations), ``bounds``, ``roc``, ``calibration``,
            ``sweep``, ``funnel``, ``frontier`` (of other ways to score) or ``waterfall`` (of the drivers of one group).
        attribute, group
            Of a drawing of one attribute or group; by default the first.
        ax, language
            Where to draw, and in which language.
        """
        from scoring.display import Drawing
        from scoring.drawings import draw

        return Drawing(draw(self.published(), kind, metric=metric, attribute=attribute, group=group, ax=ax, language=language))

    def exit_code(self) -> int:
        """Return 1 where exclusion is shown, 0 where all is shown within tolerance, 3 where anything is not settled."""
        found = set(self.judged()["verdict"]) | set(self.offers()["verdict"])
        if Verdict.EXCLUSION.value in found:
            return 1
        return 0 if found <= {Verdict.WITHIN_TOLERANCE.value} else 3

    def _repr_html_(self) -> str:
        from scoring.display import study_html

        return study_html(self.published())


def conduct_study(
    activity: ProcessingActivity,
    frame: Any = None,
    *,
    scores_to: str | Path | None = None,
    rejects_to: str | Path | None = None,
    why: bool = False,
    alternatives: SearchAsked | None = None,
    alternatives_log: str | Path | None = None,
    step: Step = lambda _: None,
) -> Study:
    """Make the study that a declaration asks for.

    Parameters
    ----------
    activity
        The declaration.
    frame
        The customers (pandas, polars, Arrow, DuckDB, Spark); by default the declared source.
    scores_to
        Parquet file for score, decision, segment and offer of each person, under pseudonyms.
    rejects_to
        CSV or Parquet file for the rows that break the contract: row, reason, pseudonym.
    why
        Whether to ask what drives the gaps in the score and which features stand for a group (`Study.drivers`, `Study.proxies`);
        it takes seconds for thousands of people, minutes for tens of thousands.
    alternatives
        Whether to search for less excluding ways to score, and which (`Study.alternatives`, `Study.confirmed`); by default not.
    alternatives_log
        File of that search: what is in it is not tried again.
    step
        Called with the name of each step, for those who show progress.

    Raises
    ------
    EquiscoreError
        The file is not what the declaration promises; every fault at once.
    """
    plan = activity.study
    known(plan.primary)
    step("intake")
    also = {*(plan.features if why or alternatives is not None else ()), *((alternatives and alternatives.features) or ())}
    table = admit(plan, frame, also=also)
    step("scores")
    scored = score_customers(table, plan)
    step("counts")
    counts = counted(scored, plan)
    _check_offers(counts, plan)
    if rejects_to is not None:
        step("rejects")
        write_rejects(scored.table, plan, Path(rejects_to), cutoff=scored.cutoff)
    if scores_to is not None:
        step("people")
        _write_people(scored, plan, Path(scores_to))
    inquiry: dict[str, pd.DataFrame] = {}
    if why:
        step("why")
        inquiry |= inquire(scored, plan)
    if alternatives is not None:
        step("alternatives")
        from scoring.alternatives import search, tried

        log = None if alternatives_log is None else Path(alternatives_log)
        inquiry |= tried(search(scored, plan, asked=alternatives, log=log, step=step), titles=plan.titles)
    fingerprint = table.fingerprint or (frame_digest(frame, list(needed(plan, also))) if frame is not None else None)
    source = {"name": Path(table.described).name, "sha256": fingerprint, "rows": counts.total}
    return replace(study_of(plan, counts, scored, source, activity.document()), inquiry=inquiry)


def counted(scored: Scored, plan: Plan) -> Counts:
    """Count everything that the plan asks for: the one pass, and one more for each kind of thing that only few studies declare."""
    found = count(scored.table, plan, cutoff=scored.cutoff)
    soft, amounts = (again(scored.table, plan, scored.cutoff) for again in (count_soft, count_amounts))
    return replace(found, soft=soft, amounts=amounts)


def study_of(plan: Plan, counts: Counts, scored: Scored, source: Mapping[str, Any], document: Mapping[str, Any] | None) -> Study:
    """Put a study together from what was worked out."""
    facts = dict(scored.facts)
    if scored.estimator is not None and hasattr(scored.estimator, "points_table"):
        facts["points"] = _records(scored.estimator.points_table())
    return Study(plan, counts, None, scored.cutoff, document, facts, source, estimator=scored.estimator)


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return rows as plain JSON: numpy numbers become Python's, what is no number becomes none."""
    rows = frame.astype(object).where(frame.notna(), None).to_dict("records")
    return [{str(name): value.item() if isinstance(value, np.generic) else value for name, value in row.items()} for row in rows]


def _check_offers(counts: Counts, plan: Plan) -> None:
    """Refuse a segment that the offers do not speak of: silence would be read as no offer."""
    if plan.segments is None or not plan.segments.offers or "segment" not in counts.cells:
        return
    if others := sorted(set(counts.studied["segment"]) - {*plan.segments.offers, UNKNOWN}):
        raise ContractError(
            f"segments {', '.join(map(repr, others))} have no rule in study.segments.offers. Fix: add each; empty (null) says that there is no offer."
        )


def _write_people(scored: Scored, plan: Plan, path: Path) -> None:
    import pyarrow.parquet as pq

    from scoring.provenance import write_file

    sink = pa.BufferOutputStream()
    pq.write_table(person_rows(scored, plan), sink)
    write_file(path, sink.getvalue().to_pybytes(), restricted=True)
