"""D15: the feared events with their risks before and after the measures, what is still to be done, and who gave which opinion.

Opinions and the validation come from the register alone, where a named human gave them; nothing is signed for anybody here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from scoring.assessment import Risk
from scoring.dossier.document import Block, Callout, KeyValues, Paragraph, Row
from scoring.dossier.gaps import given
from scoring.dossier.parts.days import as_day
from scoring.dossier.parts.declared.shared import Lacks, cited, columns, day, heading, known, of_declaration, table, text, truth, words
from scoring.dossier.parts.lacking import lacking
from scoring.dossier.view import View

HIGH: Final = 3
"""Important, on the CNIL's scale of four: from there on a residual risk asks whether the authority must be consulted."""
_LEVELS: Final = ("severity", "likelihood", "residual_severity", "residual_likelihood")


@dataclass(frozen=True, slots=True)
class Action:
    """Something to be done: by whom, until when, and when it was."""

    what: Any
    owner: str
    due: date | None
    done: date | None = None

    def overdue(self, as_of: date | None) -> bool:
        """Tell whether its day has passed without its being done by then."""
        return self.due is not None and as_of is not None and self.due < as_of and not (self.done is not None and self.done <= as_of)


@of_declaration
def risks(view: View) -> Iterator[Block]:
    """Show the risks, the prior consultation that they may ask for, the actions, the opinions and the validation."""
    yield heading(view, "risks")
    yield from feared_events(view)
    yield from _consultation(view)
    yield heading(view, "actions")
    yield from _actions(view)
    yield heading(view, "opinions")
    yield from _opinions(view)
    yield heading(view, "validation")
    yield from _validation(view)
    yield from cited(view, "EU-GDPR-35-1", "EU-GDPR-35-7", "EU-GDPR-36")


def feared_events(view: View) -> Iterator[Block]:
    """Show the four feared events one by one, and what is missing of their assessment."""
    declared = view.assessment.get("risks") or {}
    titles = columns(view, "event", *_LEVELS)
    yield from table(
        view, "risks", titles, [_levels(view, risk, declared[risk]) for risk in Risk if risk in declared], note=words(view, "note_levels")
    )
    for risk in Risk:
        if risk in declared:
            yield heading(view, f"risk_{risk}")
            yield KeyValues(tuple(_risk(view, declared[risk])))
    yield from lacking(view, *_lacks(view, declared))


def _levels(view: View, risk: Risk, found: Mapping[str, Any]) -> Row:
    return Row((words(view, f"risk_{risk}"), *(_level(view, found.get(name)) for name in _LEVELS)))


def _level(view: View, level: int | None) -> str:
    return words(view, "not_said") if level is None else words(view, f"level_{level}")


def _risk(view: View, found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    measures = view.assessment.get("measures") or {}
    for name in ("impacts", "threats", "sources"):
        yield words(view, f"key_{name}"), text(view, found.get(name))
    titles = [text(view, measures.get(key, {}).get("title")) or key for key in found.get("measures") or ()]
    yield words(view, "key_measures"), "\n".join(titles) or words(view, "no_measure")
    if reason := text(view, found.get("reason")):
        yield words(view, "key_reason"), reason


def _lacks(view: View, declared: Mapping[str, Any]) -> Iterator[Lacks]:
    for risk in Risk:
        name = words(view, f"risk_{risk}")
        if risk not in declared:
            yield words(view, "lacks_risk", risk=name), "controller"
        elif None in (declared[risk].get("residual_severity"), declared[risk].get("residual_likelihood")):
            yield words(view, "lacks_residual", risk=name), "controller"


def residual_high(view: View) -> tuple[Risk, ...]:
    """Return the events whose severity or likelihood stays important or maximal with the measures; of what is not said, nothing."""
    declared = view.assessment.get("risks") or {}
    return tuple(risk for risk in Risk if max(_residual(declared.get(risk) or {})) >= HIGH)


def _residual(found: Mapping[str, Any]) -> tuple[int, int]:
    return found.get("residual_severity") or 0, found.get("residual_likelihood") or 0


def _consultation(view: View) -> Iterator[Block]:
    high, declared = residual_high(view), view.assessment.get("risks") or {}
    whole = all(min(_residual(declared.get(risk) or {})) > 0 for risk in Risk)
    if high:
        names = view.semicolons(words(view, f"risk_{risk}") for risk in high)
        yield Callout(words(view, "consultation_title"), (words(view, "consultation", risks=names),))
    else:
        yield Paragraph(words(view, "no_consultation" if whole else "consultation_unknown"))


def plan_of_action(view: View) -> tuple[Action, ...]:
    """Return what is still to be done or was: planned measures, measures that answer a gap, and the actions of the register, by day."""
    measures = [one for one in (view.assessment.get("measures") or {}).values() if not one.get("in_place", True)]
    planned = [Action(one["title"], str(one.get("owner") or ""), as_day(one.get("due"))) for one in measures]
    planned += [Action(one.measure, one.owner, one.due) for one in given(view.declared, view.record) if one.measure is not None]
    recorded = view.record.get("actions") or ()
    planned += [Action(one.get("what"), str(one.get("owner") or ""), as_day(one.get("due")), as_day(one.get("done_at"))) for one in recorded]
    return tuple(sorted(planned, key=lambda one: one.due or date.max))


def _actions(view: View) -> Iterator[Block]:
    found = plan_of_action(view)
    if not found:
        yield Paragraph(words(view, "no_actions"))
    rows = [Row((text(view, one.what), one.owner or words(view, "not_said"), day(view, one.due), _state(view, one))) for one in found]
    note = words(view, "note_actions", as_of=day(view, view.plan.as_of)) if view.plan.as_of else words(view, "note_no_day")
    yield from table(view, "actions", columns(view, "action", "owner", "due", "state"), rows, note=note)
    yield from lacking(
        view, *((words(view, "lacks_owner", what=text(view, one.what)), "controller") for one in found if not one.owner or one.due is None)
    )


def _state(view: View, action: Action) -> str:
    if action.done is not None:
        return words(view, "done", done=day(view, action.done))
    return words(view, "overdue" if action.overdue(view.plan.as_of) else "to_do")


def _opinions(view: View) -> Iterator[Block]:
    """Show the opinions that a named human recorded; one without a name is none."""
    named = [one for one in view.record.get("opinions") or () if str(one.get("by") or "").strip()]
    rows = [Row(_opinion(view, one), text(view, one.get("text"))) for one in named]
    yield from table(view, "opinions", columns(view, "opinion_of", "by", "at", "favourable"), rows, remark=words(view, "col_text"))
    kinds = {one.get("kind") for one in named}
    yield from lacking(
        view, *((words(view, f"lacks_opinion_{kind}"), who) for kind, who in (("dpo", "dpo"), ("persons", "controller")) if kind not in kinds)
    )


def _opinion(view: View, one: Mapping[str, Any]) -> tuple[str, ...]:
    whose = known(view, f"opinion_{one.get('kind')}", one.get("kind") or words(view, "not_said"))
    return whose, str(one["by"]), day(view, one.get("at")), truth(view, one.get("favourable"))


def covers(view: View, review: Mapping[str, Any]) -> bool:
    """Tell whether a review is of this very study: of the manifest that it has now."""
    return view.study.digest is not None and review.get("digest") == view.study.digest


def review_rows(view: View, reviews: list[Mapping[str, Any]]) -> list[Row]:
    """Return reviews as rows: who, in which role, the outcome, when, and whether it is of this version."""
    return [
        Row(
            (
                str(one.get("by") or words(view, "not_said")),
                known(view, f"as_{one.get('role')}", one.get("role") or words(view, "not_said")),
                known(view, f"outcome_{one.get('outcome')}", one.get("outcome") or words(view, "not_said")),
                day(view, one.get("at")),
                words(view, "yes" if covers(view, one) else "other_version"),
            ),
            text(view, one.get("text")),
        )
        for one in reviews
    ]


def _validation(view: View) -> Iterator[Block]:
    """Show the controller's own decision; it counts only for the version that it is about."""
    found = [one for one in view.record.get("reviews") or () if one.get("role") == "controller" and str(one.get("by") or "").strip()]
    titles = columns(view, "by", "role", "outcome", "at", "this_version")
    yield from table(view, "validation", titles, review_rows(view, found), remark=words(view, "col_text"))
    if not any(covers(view, one) and one.get("outcome") in {"approve", "reservations"} for one in found):
        yield from lacking(view, (words(view, "lacks_validation"), "controller"))
