"""D17: what follows launch: rhythm and stop, what asks for a revision, the last comparison, incidents and departures from the study.

`view.record` may hold, beside what the register keeps: ``schedule`` (a schedule file as plain data), ``monitoring`` (the last comparison as
`equiscore monitor run` keeps it) and ``launched`` (the day of launch).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, Final

from scoring.dossier.document import Block, Bullets, Cell, Column, Heading, KeyValues, Paragraph, Row, TableBlock
from scoring.dossier.parts.declared.shared import day, of_declaration
from scoring.dossier.parts.lacking import lacking
from scoring.dossier.parts.rooms import texts_of
from scoring.dossier.view import View
from scoring.texts import has, say

MOST: Final = 40
"""Rows of what is not measurable; the comparison file has them all."""
_KINDS: Final = {
    "new_exclusion": "ratio", "ratio_fall": "ratio", "stability_index": "ratio3", "auc_fall": "ratio3",
    "unknown_rise": "percent", "override_change": "percent",
}  # fmt: skip
_THRESHOLDS: Final = {
    "stability_index": "ratio", "ratio_fall": "percent0", "unknown_rise": "percent", "auc_fall": "ratio3", "override_change": "percent",
}  # fmt: skip
_ROLES: Final = {"analyst": "analyst", "model_reviewer": "reviewer", "dpo": "dpo", "controller": "controller"}
"""Who supplies the signature of a role (`scoring.dossier.parts.lacking.WHO`)."""
Rows = Sequence[Mapping[str, Any]]

_said = texts_of("monitoring")


@of_declaration
def following(view: View) -> Iterator[Block]:
    """Say what launch lacks, when the study is made again, who stops the score, what asks for a revision, and what was recorded."""
    parts = (_launch, _rhythm, _triggers, _comparison, _incidents, _deviations)
    yield from chain.from_iterable(part(view) for part in parts)


def _heading(view: View, name: str) -> Heading:
    return Heading(3, _said(view, name), f"following-{name}")


def _columns(view: View, *names: str) -> tuple[Column, ...]:
    return tuple(Column(_said(view, f"col_{name}")) for name in names)


def _words(view: View, value: Any) -> str:
    """Return what somebody wrote, or that nothing was said."""
    said = view.pick(value) if isinstance(value, str | Mapping) else "" if value is None else str(value)
    return said.strip() or _said(view, "not_said")


def _listed(view: View, name: str) -> Rows:
    """Return what the register holds of a kind."""
    return [one for one in view.record.get(name) or () if isinstance(one, Mapping)]


# -- launch ------------------------------------------------------------------------------------------------------------------------


def _launch(view: View) -> Iterator[Block]:
    """Say whether the score is in use, and whose signature it lacks; opinions and reviews are told in D15 and D16."""
    yield _heading(view, "launch")
    launched = view.record.get("launched")
    yield Paragraph(_said(view, "recorded_launch", day=day(view, launched)) if launched else _said(view, "not_launched"))
    signers = (view.declared.get("review") or {}).get("signers") or ()
    signed = {str(one.get("by")) for one in _listed(view, "signatures") if one.get("by")}
    lacks = [(_said(view, "lacks_signature", by=one["name"]), _ROLES[one["role"]]) for one in signers if one["name"] not in signed]
    yield from lacking(view, *(lacks if signers else [(_said(view, "lacks_signers"), "controller")]))


# -- rhythm, stop, triggers --------------------------------------------------------------------------------------------------------


def _declared(view: View) -> Mapping[str, Any]:
    return view.assessment.get("monitoring") or {}


def _schedule(view: View) -> Mapping[str, Any]:
    return view.record.get("schedule") or (view.record.get("monitoring") or {}).get("schedule") or {}


def _rhythm(view: View) -> Iterator[Block]:
    """Say when the study is made again and who stops the score; what was not said is missing."""
    yield _heading(view, "rhythm")
    declared, schedule = _declared(view), _schedule(view)
    items, months = [], schedule.get("every_months") or declared.get("every_months")
    if schedule.get("days"):
        items += [(_said(view, "key_rhythm"), _said(view, "days_listed"))]
        items += [(_said(view, "key_days"), view.listed(day(view, one) for one in schedule["days"]))]
    elif months:
        items += [(_said(view, "key_rhythm"), _said(view, "every_months", months=months))]
    if schedule.get("first"):
        items += [(_said(view, "key_first"), day(view, schedule["first"]))]
    if declared.get("stop"):
        items += [(_said(view, "key_stop"), view.pick(declared["stop"]))]
    if items:
        yield KeyValues(tuple(items))
    rhythm = () if months or schedule.get("days") else ((_said(view, "lacks_rhythm"), "controller"),)
    yield from lacking(view, *rhythm)
    if not declared.get("stop"):
        yield Paragraph(_said(view, "stop_elsewhere"))


def _triggers(view: View) -> Iterator[Block]:
    """List the triggers with the thresholds of the schedule."""
    yield _heading(view, "triggers")
    held = _schedule(view).get("triggers") or {}
    if not held:
        yield from lacking(view, (_said(view, "lacks_triggers"), "controller"))
        return
    yield Paragraph(_said(view, "triggers_intro"))
    rows = [Row((_said(view, "trigger_new_exclusion"), _said(view, "any")))]
    rows += [Row((_said(view, f"trigger_{name}"), view.number(held[name], kind))) for name, kind in _THRESHOLDS.items() if name in held]
    yield TableBlock(_said(view, "caption_triggers"), _columns(view, "trigger", "threshold"), tuple(rows))


# -- the last comparison -----------------------------------------------------------------------------------------------------------


def _comparison(view: View) -> Iterator[Block]:
    """Say what the last study after launch asks for; nothing where none was handed in."""
    held = view.record.get("monitoring") or {}
    if not held:
        return
    yield _heading(view, "comparison")
    yield Paragraph(_said(view, "compared_on", day=day(view, held["day"])) if held.get("day") else _said(view, "compared"))
    counted = {name: held[name] for name in ("fired", "not_measurable", "open")}
    said = [_said(view, "revise" if held["fired"] else "none_fired", **counted)]
    said += [_said(view, f"obstacle_{code}") for code in held["comparison"]["obstacles"]]
    yield Bullets((*said, _said(view, "signed_only")))
    told = [one for one in held["triggers"] if one["outcome"] != "not fired"]
    fired = sum(one["outcome"] == "fired" for one in told)
    shown, titles = told[: fired + MOST], held["comparison"]["titles"]
    note = _said(view, "more_rows", n=len(told) - len(shown)) if len(shown) < len(told) else ""
    if shown:
        columns = _columns(view, "trigger", "group", "metric", "outcome", "then", "now")
        yield TableBlock(_said(view, "caption_fired"), columns, tuple(_row(view, one, titles) for one in shown), note)


def _row(view: View, one: Mapping[str, Any], titles: Mapping[str, Mapping[str, str]]) -> Row:
    """Return a trigger as a row; why it is not measurable stands below."""
    subject, kind = one["subject"], _KINDS[one["kind"]]
    about = _about(view, subject, titles)
    metric = subject.get("metric", "")
    named = _said(view, "offer_rate") if metric == "offer_rate" else view.metric(metric) if metric else ""
    then, now = (view.number(one["numbers"].get(side), kind) for side in ("then", "now"))
    if one["kind"] == "stability_index":
        then, now = "", view.number(one["numbers"].get("change"), kind)
    cells: tuple[Cell, ...] = (_said(view, f"trigger_{one['kind']}"), about, named, _said(view, f"outcome_{one['outcome']}"), then, now)
    return Row(cells, " ".join(_because(view, code) for code in one["reasons"]))


def _about(view: View, subject: Mapping[str, str], titles: Mapping[str, Mapping[str, str]]) -> str:
    if "group" in subject:
        return view.who(subject)
    attribute = subject.get("attribute")
    return view.pick(titles.get(attribute)) or attribute if attribute else _said(view, "about_score")


def _because(view: View, code: str) -> str:
    return say(f"{'monitoring' if has(f'monitoring.because_{code}', view.language) else 'drift'}.because_{code}", view.language)


# -- what was recorded -------------------------------------------------------------------------------------------------------------


def _incidents(view: View) -> Iterator[Block]:
    """List the incidents of the register."""
    held = sorted(_listed(view, "incidents"), key=lambda one: str(one.get("at")))
    rows = [
        Row((
            day(view, one.get("at")), _words(view, one.get("what")), _words(view, one.get("people")), _words(view, one.get("done")),
            day(view, one["closed_at"]) if one.get("closed_at") else _said(view, "not_closed"),
        ))
        for one in held
    ]  # fmt: skip
    yield from _log(view, "incidents", ("at", "what", "people", "done", "closed"), rows)


def _deviations(view: View) -> Iterator[Block]:
    """List the departures from the study that the register holds."""
    held = sorted(_listed(view, "deviations"), key=lambda one: str(one.get("at")))
    rows = [Row((day(view, one.get("at")), *(_words(view, one.get(name)) for name in ("what", "decided", "by")))) for one in held]
    yield from _log(view, "deviations", ("at", "what", "decided", "by"), rows)


def _log(view: View, name: str, columns: tuple[str, ...], rows: list[Row]) -> Iterator[Block]:
    """Show a log: its rows, or that it is empty, or that there is none."""
    yield _heading(view, name)
    if name not in view.record:
        yield Paragraph(_said(view, f"{name}_not_recorded"))
        own = _said(view, f"lacks_{name}") if has(f"monitoring.lacks_{name}", view.language) else say(f"dossier_declared.lacks_{name}", view.language)
        yield from lacking(view, (own, "controller"))  # what another section lacks too is said in the same words, and counted once
    elif not rows:
        yield Paragraph(_said(view, f"no_{name}"))
    else:
        yield TableBlock(_said(view, f"caption_{name}"), _columns(view, *columns), tuple(rows))
