"""The model card (D11, annex): what the score is, made of what, for whom, how it does in each group, and what it cannot do.

The fields are those of the Model Card Toolkit, schema v0.0.2, and of the model cards of Hugging Face (Mitchell et al. 2019, "Model
cards for model reporting"); every metric stands by group, with its interval, from published tables.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from scoring.dossier.document import Block, Column, Estimate, KeyValues, Paragraph, Row, TableBlock
from scoring.dossier.gaps import Answer, answers, key_of_row, shown
from scoring.dossier.parts.annexes.shared import in_words, joined, part, words
from scoring.dossier.parts.cover.status import SHORT, model_digest
from scoring.dossier.parts.days import day
from scoring.dossier.parts.lacking import lacking
from scoring.dossier.parts.study.page_one import party, purpose
from scoring.dossier.parts.study.wording import cutoff_origin, decision_origin
from scoring.dossier.view import View, rows_of
from scoring.vocabulary import Role

SHOWN: Final = ("selection_rate", "true_positive_rate", "false_positive_rate", "positive_predictive_value", "accuracy")
"""Metrics in the printed card; the file has all that are published."""


class Slice(NamedTuple):
    """A metric of one group, with its interval and out of how many; not a number where too few people stand behind it."""

    metric: str
    attribute: str
    group: str
    estimate: Estimate
    people: float


def slices(view: View) -> list[Slice]:
    """Return every published rate of every group, then the AUC of the score of everybody ("") and of each group.

    A rate of fewer people than may be published is withheld, even where its group is larger.
    """
    rates = [
        Slice(row["metric"], row["attribute"], row["group"], Estimate(row["value"], row["low"], row["high"]), row["trials"])
        for row in rows_of(view.tables.rates())
    ]
    aucs = [
        Slice("auc", row["attribute"], row["group"], Estimate(row["auc"], row["low"], row["high"]), row["good"] + row["bad"])
        for row in rows_of(view.tables.performance())
    ]
    nothing = Estimate(float("nan"), float("nan"), float("nan"))
    return [one._replace(estimate=nothing) if 0 < one.people < view.threshold else one for one in (*rates, *aucs)]


def model_card(view: View) -> Iterator[Block]:
    """Show the card: details, data, parameters, metrics of each group, and what must be considered."""
    if not view.declared:
        return
    yield part(view, "card")
    yield Paragraph(words(view, "card"))
    yield KeyValues(tuple(_details(view)))
    yield part(view, "card_parameters", level=4)
    yield KeyValues(tuple(_parameters(view)))
    yield part(view, "card_metrics", level=4)
    yield from _metrics(view)
    yield part(view, "card_considerations", level=4)
    yield KeyValues(tuple(_considerations(view)))
    yield from _ethics(view)
    yield from lacking(view, *_missing(view))


def _missing(view: View) -> Iterator[tuple[str, str]]:
    for name in ("intended_use", "limitations"):
        if not view.assessment.get(name):
            yield words(view, f"missing_{name}"), "controller"
    if _decisive(view) is None:
        yield words(view, "missing_decisive"), "controller"


def _details(view: View) -> Iterator[tuple[str, str]]:
    declared, digest, as_of = view.declared, view.study.digest, view.plan.as_of
    yield words(view, "title"), view.pick(declared["name"])
    yield words(view, "overview"), joined((decision_origin(view), in_words(view, view.assessment.get("description"))))
    yield words(view, "owners"), joined(party(view, one) for one in (declared["controller"], *declared.get("joint_controllers", ())))
    yield words(view, "version"), words(view, "version_said", short=digest[:SHORT], digest=digest) if digest else view.say("not_saved")
    yield words(view, "date"), day(as_of, view.language) if as_of else view.say("not_declared")
    yield words(view, "licence"), joined(licences(view)) or view.say("not_declared")
    yield words(view, "card_hash"), model_digest(view.study.facts) or words(view, "no_model")


def licences(view: View) -> Iterator[str]:
    """Return the licences of contracts, of the tool or of data."""
    for one in view.assessment.get("contracts") or ():
        if one.get("licence"):
            yield words(view, "pair", name=one["party"], value=view.pick(one["licence"]))


def architecture(view: View) -> str:
    """Return how the score is made, in a sentence."""
    model = view.study.facts.get("model")
    if model is None:
        return words(view, "score_read", column=view.plan.score.column) if view.plan.score is not None else view.say("no_score")
    engine = view.known(f"engine_{model['engine']}", model["engine"])
    return view.say("score_trained", engine=engine, folds=model["folds"], seed=model["seed"], people=model["trained_on"])


def inputs(view: View) -> str:
    """Return the features of the model by their titles; what a score that came ready made reads is not known."""
    names = (view.study.facts.get("model") or {}).get("features") or ()
    return view.listed(_column(view, name) for name in names) or words(view, "inputs_unknown")


def _column(view: View, name: str) -> str:
    """Return the title of a column where it has one."""
    held = view.plan.columns.get(name)
    return (view.pick(held.title) if held is not None else "") or name


def output(view: View) -> str:
    """Return what is decided and where it is cut."""
    return joined((decision_origin(view), cutoff_origin(view) if view.plan.decision.cutoff is not None else ""))


def sensitive(view: View) -> list[str]:
    """Return the sensitive fields of the data: protected columns, variables declared sensitive, special categories."""
    columns = [_column(view, name) for name in view.plan.with_role(Role.PROTECTED)]
    said = [_column(view, name) for name, one in (view.assessment.get("variables") or {}).items() if one.get("sensitive")]
    special = [view.pick(one["name"]) for one in view.declared.get("data", ()) if one.get("special")]
    return list(dict.fromkeys([*columns, *said, *special]))


def _parameters(view: View) -> Iterator[tuple[str, str]]:
    yield words(view, "architecture"), architecture(view)
    yield words(view, "data"), data(view)
    yield words(view, "sensitive"), view.listed(sensitive(view)) or view.say("none")
    yield words(view, "inputs"), inputs(view)
    yield words(view, "output"), output(view)
    yield words(view, "decisive"), _decisive(view) or view.say("not_declared")


def data(view: View) -> str:
    """Return which data the score and the study rest on."""
    source, period = view.study.source, view.pick(view.plan.period)
    said = words(view, "data_said", name=source.get("name") or "?", rows=source.get("rows") or float("nan"), sha256=source.get("sha256") or "?")
    origins = (words(view, "pair", name=view.pick(one["source"]), value=view.pick(one["collected"])) for one in view.assessment.get("origins") or ())
    return joined((said, period, *origins))


def _decisive(view: View) -> str | None:
    """Return how far decisions follow the score: by construction where a cut-off decides, measured or declared otherwise; none where not known."""
    if view.plan.decision.cutoff is not None:
        return words(view, "decisive_cutoff")
    if view.plan.score is None:
        return words(view, "decisive_no_score")
    found, _ = view.tables.measured_decisiveness()
    if found is not None:
        given = {"share": found.share, "people": found.people, "low": found.low, "high": found.high}
        return words(view, "decisive_measured", override=found.override_rate, **given)
    share, override = (view.declared.get("facts", {}).get(name) for name in ("decisions_following_score", "override_rate"))
    if not isinstance(share, (int, float)) or isinstance(share, bool):
        return None
    return words(view, "decisive_share", share=share, override=1 - share if not isinstance(override, (int, float)) else override)


def _metrics(view: View) -> Iterator[Block]:
    told = slices(view)
    valued = {one.metric for one in told if one.estimate.value == one.estimate.value}
    found = [one for one in told if one.metric in SHOWN and one.metric in valued]
    yield Paragraph(words(view, "card_metrics", confidence=view.plan.bounds.confidence, threshold=view.threshold))
    if silent := [name for name in SHOWN if name not in valued and any(one.metric == name for one in told)]:
        yield Paragraph(words(view, "card_silent", metrics=view.listed(map(view.metric, silent))))
    columns = (Column(view.say("col_group")), Column(words(view, "col_value"), "percent"), Column(words(view, "col_counted"), "count"))
    order = {name: place for place, name in enumerate(SHOWN)}
    rows = tuple(
        Row((_slice(view, one), _cell(view, one), view.people(one.people)), section=view.metric(one.metric))
        for one in sorted(found, key=lambda one: order[one.metric])
    )
    yield TableBlock(words(view, "caption_card"), columns, rows, words(view, "note_card"))
    if aucs := [one for one in told if one.metric == "auc"]:
        columns = (columns[0], Column(view.say("col_auc"), "ratio3"), columns[2])
        rows = tuple(Row((_slice(view, one), _cell(view, one), view.people(one.people))) for one in aucs)
        yield TableBlock(words(view, "caption_auc"), columns, rows)


def _cell(view: View, one: Slice) -> Estimate | str:
    return view.say("withheld_cell") if 0 < one.people < view.threshold else one.estimate


def _slice(view: View, one: Slice) -> str:
    """Return a group with its attribute; everybody has neither."""
    return words(view, "pair", name=view.name(one.attribute), value=view.level(one.group)) if one.group else view.say("everybody")


def _considerations(view: View) -> Iterator[tuple[str, str]]:
    said, unsaid = view.assessment, view.say("not_declared")
    yield words(view, "users"), in_words(view, said.get("intended_use")) or unsaid
    yield words(view, "use_cases"), joined(purpose(view, one) for one in view.declared["purposes"])
    yield words(view, "out_of_scope"), in_words(view, said.get("prohibited_uses")) or unsaid
    yield words(view, "limitations"), in_words(view, said.get("limitations")) or unsaid
    yield words(view, "tradeoffs"), joined(tradeoffs(view)) or words(view, "tradeoffs_none")
    yield words(view, "contact"), party(view, view.declared["dpo"] or view.declared["controller"])


def tradeoffs(view: View) -> list[str]:
    """Return what the search for other ways to score found; nothing where none was made."""
    return view.tables.alternatives_findings(view.language) if "alternatives_findings" in view.tables.inquiry else []


class Concern(NamedTuple):
    """A group where exclusion is shown, the metric, and what is answered; "" where nothing is."""

    group: str
    metric: str
    answer: str


def concerns(view: View) -> list[Concern]:
    """Return each exclusion that is shown, with the measure or the justification that answers it."""
    given = answers(view.declared, view.record)
    rows = shown(view.tables, view.judged)
    return [Concern(view.who(row), view.metric(row["metric"]), answered(view, given.get(key_of_row(row)))) for row in rows]


def answered(view: View, one: Answer | None) -> str:
    """Return the answer to a gap in a sentence or two, with who holds it and until when; "" where there is none."""
    if one is None:
        return ""
    told = {"measure": one.measure, "aim": one.parts.get("aim")}
    said = [words(view, f"answer_{name}", said=view.pick(words_).rstrip(".")) for name, words_ in told.items() if words_]
    return " ".join([*said, words(view, "answer_by", owner=one.owner, day=day(one.due, view.language))])


def _ethics(view: View) -> Iterator[Block]:
    found = concerns(view)
    if not found:
        yield Paragraph(words(view, "no_concern"))
        return
    columns = tuple(Column(words(view, f"col_{name}")) for name in ("excluded", "metric", "mitigation"))
    rows = tuple(Row((one.group, one.metric, one.answer or words(view, "missing_answer"))) for one in found)
    yield TableBlock(words(view, "caption_ethics"), columns, rows, words(view, "note_ethics"))
