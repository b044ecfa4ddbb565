"""D12, the answers: every exclusion that the study shows, with its justification or its measure, or without either.

What leans to exclusion or is undetermined needs no justification yet; it is never cleared by having none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import pandas as pd

from scoring.dossier.document import Block, Bullets, Column, Estimate, OutOf, Paragraph, Row, TableBlock
from scoring.dossier.gaps import PARTS, Answer, Key, given, key_of, key_of_row, shown, standing, verdicts_of
from scoring.dossier.parts.declared.shared import columns, day, heading, of_declaration, pair, table, text, words
from scoring.dossier.parts.lacking import lacking
from scoring.dossier.parts.study.wording import guideline
from scoring.dossier.view import View, rows_of
from scoring.fairness.metrics import METRICS
from scoring.texts import say
from scoring.vocabulary import UNKNOWN, Verdict

_OPEN: Final = (Verdict.LEANING, Verdict.UNDETERMINED)


@dataclass(frozen=True, slots=True)
class Gap:
    """An exclusion that the published tables show and no other one accounts for."""

    attribute: str
    group: str
    metric: str
    who: str
    """The group as a reader is told of it; of joined groups with the names that are joined."""
    people: float
    """Members of the group; nan where the crossing is withheld."""
    rate: OutOf
    ratio: Estimate

    @property
    def key(self) -> Key:
        """What an answer must name."""
        return key_of(self.attribute, self.group, self.metric)


class Answers(NamedTuple):
    """Every gap with its answers, and the answers that name no gap that is shown."""

    to: tuple[tuple[Gap, tuple[Answer, ...]], ...]
    astray: tuple[Answer, ...]

    @property
    def unanswered(self) -> tuple[Gap, ...]:
        """The gaps without a whole answer."""
        return tuple(gap for gap, given in self.to if not any(one.whole for one in given))

    @property
    def unjustified(self) -> tuple[Gap, ...]:
        """The gaps without a justification in all four parts, whether a measure is planned or not."""
        return tuple(gap for gap, given in self.to if not any(one.justified and one.whole for one in given))


def gaps(view: View) -> list[Gap]:
    """Return every exclusion of the published verdicts that stands by itself: groups, combinations, and the offers; the first things first."""
    return [_gap(view, row) for row in shown(view.tables, view.judged)]


def _own(view: View, *verdicts: Verdict) -> pd.DataFrame:
    return standing(verdicts_of(view.tables, view.judged), *verdicts)


def _gap(view: View, row: Mapping[str, Any]) -> Gap:
    apart = row["folded"] and row["folded"] != row["group"]  # a joined crossing bears the names that it joins
    who = words(view, "joined", who=view.who(row), names=row["folded"].replace(UNKNOWN, view.level(UNKNOWN))) if apart else view.who(row)
    rate = OutOf(row["value"], row["hits"], row["trials"])
    return Gap(row["attribute"], row["group"], row["metric"], who, row["people"], rate, Estimate(row["ratio"], row["ratio_low"], row["ratio_high"]))


def answers_of(view: View) -> Answers:
    """Return each gap with what the declaration and the register answer to it, and the answers to nothing that is shown."""
    found, said = gaps(view), given(view.declared, view.record)
    named = {gap.key for gap in found}
    to = tuple((gap, tuple(one for one in said if one.key == gap.key)) for gap in found)
    return Answers(to, tuple(one for one in said if one.key not in named))


@of_declaration
def justifications(view: View) -> Iterator[Block]:
    """Put each gap beside its answer; then the answers to nothing, and what is not settled."""
    yield heading(view, "justifications")
    answers = answers_of(view)
    counted = {"gaps": len(answers.to), "open": len(answers.unanswered), "answered": len(answers.to) - len(answers.unanswered)}
    yield Paragraph(words(view, "justifications" if answers.to else "no_gap", **counted))
    kinds = {"people": "count", "rate": "percent", "ratio": "ratio"}
    titles = columns(view, "group", "people", "rate", "ratio", "answer", "owner", "due", **kinds)
    open_ = {gap.key for gap in answers.unanswered}
    first = sorted(answers.to, key=lambda pair: (pair[0].key not in open_, _place(view, pair[0].metric)))
    rows = [_row(view, gap, said, "unanswered" if gap.key in open_ else "answered") for gap, said in first]
    note = f"{words(view, 'note_gaps', confidence=view.plan.bounds.confidence)} {guideline(view)}"
    yield from table(view, "gaps", titles, rows, note=note, remark=words(view, "col_answer_said"))
    yield from lacking(
        view, *((words(view, "lacks_answer", who=gap.who, metric=view.metric(gap.metric)), "controller") for gap in answers.unanswered)
    )
    if answers.astray:
        yield heading(view, "astray")
        yield Paragraph(words(view, "astray"))
        yield from _astray(view, answers.astray)
    yield heading(view, "not_settled")
    yield from _not_settled(view)


def _place(view: View, metric: str) -> int:
    """Return where a metric stands: the primary one first, offers last."""
    return view.metrics.index(metric) if metric in view.metrics else len(view.metrics)


def metric_named(view: View, metric: str) -> str:
    """Return the name of a metric; a word that is no metric of ours stays as it stands."""
    return view.metric(metric) if metric in METRICS or metric == "offer_rate" else metric


def _row(view: View, gap: Gap, given: tuple[Answer, ...], place: str) -> Row:
    """Return a gap beside what is answered, under whether that is a whole answer."""
    rate, ratio = (gap.rate if gap.rate.trials > 0 else None), (gap.ratio if gap.ratio.value >= 0 else None)
    states = "\n".join(dict.fromkeys(state(view, one) for one in given)) or words(view, "unanswered")
    owners = view.listed(dict.fromkeys(one.owner for one in given if one.owner))
    due = view.listed(dict.fromkeys(day(view, one.due) for one in given))
    people = gap.people if gap.people >= 0 else None
    cells = (gap.who, people, rate, ratio, states, owners or words(view, "nobody"), due or words(view, "no_date"))
    section = words(view, f"gaps_{place}", metric=view.metric(gap.metric))
    return Row(cells, "\n".join(answer_said(view, one) for one in given), section)


def state(view: View, answer: Answer) -> str:
    """Return what kind of answer it is, and whether its day has passed on the day of the study."""
    kind = words(view, "justified" if answer.justified else "measured" if answer.measure is not None else "not_whole")
    late = answer.due is not None and view.plan.as_of is not None and answer.due < view.plan.as_of
    return f"{kind} ({words(view, 'overdue')})" if late else kind


def answer_said(view: View, answer: Answer) -> str:
    """Return an answer in full, part by part."""
    told = [pair(view, words(view, f"answer_{name}"), text(view, answer.parts[name])) for name in PARTS if name in answer.parts]
    if answer.measure is not None:
        told.append(pair(view, words(view, "answer_measure"), text(view, answer.measure)))
    return "\n".join(told)


def _astray(view: View, answers: tuple[Answer, ...]) -> Iterator[Block]:
    named = {key_of_row(row): row for row in rows_of(verdicts_of(view.tables, view.judged))}
    rows = [
        Row(
            (pair(view, one.attribute, one.group), metric_named(view, one.metric), why_astray(view, one, named), one.owner, day(view, one.due)),
            answer_said(view, one),
        )
        for one in answers
    ]
    titles = columns(view, "named", "metric", "why", "owner", "due")
    yield from table(view, "astray", titles, rows, remark=words(view, "col_answer_said"))


def why_astray(view: View, answer: Answer, named: Mapping[Key, Mapping[str, Any]]) -> str:
    """Say why an answer answers nothing: what the published tables show under the name, if anything; `named` holds their rows by key."""
    row = named.get(answer.key)
    if row is None:
        return words(view, "astray_nothing")
    if row["verdict"] == Verdict.EXCLUSION:
        return words(view, "astray_part", whole=view.named.get(row["under"], view.say("a_small_group")))
    return words(view, "astray_verdict", verdict=say(f"verdict.{row['verdict']}", view.language))


def _not_settled(view: View) -> Iterator[Block]:
    """List what leans, and the single groups that are undetermined; count the undetermined combinations."""
    rows = _own(view, *_OPEN)
    listed_ = rows[(rows["verdict"] == Verdict.LEANING) | (rows["depth"] == 1)]
    yield Paragraph(words(view, "not_settled" if len(rows) else "all_settled"))
    if len(listed_):
        yield _open_table(view, listed_)
    counted = rows.drop(index=listed_.index).groupby("metric", sort=False).size()
    if len(counted):
        yield Bullets(tuple(words(view, "open_combinations", metric=view.metric(str(metric)), rows=int(n)) for metric, n in counted.items()))


def _open_table(view: View, rows: pd.DataFrame) -> TableBlock:
    verdict = Column(view.say("verdict"), "verdict")
    titles = (*columns(view, "group"), verdict, *columns(view, "rate", "ratio", rate="percent", ratio="ratio"))
    told = tuple(
        Row((one.who, Verdict(row["verdict"]), one.rate, one.ratio), section=view.metric(one.metric))
        for row, one in ((row, _gap(view, row)) for row in sorted(rows_of(rows), key=lambda row: _place(view, row["metric"])))
    )
    return TableBlock(words(view, "caption_open"), titles, told, guideline(view))
