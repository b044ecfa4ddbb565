"""What the law asks: what stops the launch, and which formalities are due."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dossiers
import parts
import session
import streamlit as st
from dossier_page.words import heading, legal, refused, words

from scoring.dossier.legal import HISTORIC, Law
from scoring.dossier.parts.days import day
from scoring.errors import EquiscoreError
from scoring.law.conditions import NO
from scoring.law.formalities import Formality
from scoring.law.gate import OpenPoint
from scoring.texts import NOTHING, say


def asked(record: Mapping[str, Any]) -> Law | None:
    """Ask the law; where it cannot be asked, say why."""
    if session.tables().plan.as_of is None:
        heading("gate")
        given = {"what": legal("no_day"), "who": say("missing.who_controller", session.language())}
        st.warning(parts.plain(say("missing.item", session.language(), **given)), icon=":material/event_busy:", width=parts.TEXT_WIDTH)
        return None
    try:
        with st.spinner(words("asking")):
            return dossiers.law(record)
    except EquiscoreError as error:
        heading("gate")
        refused(error)
        return None


def gate(law: Law) -> None:
    """Show what stops the launch; that nothing does clears nobody."""
    heading("gate")
    parts.read(parts.plain(legal("as_of", day=day(law.as_of, session.language()))))
    if not law.points:
        st.info(parts.plain(legal("gate_open")), icon=":material/info:", width=parts.TEXT_WIDTH)
        return
    st.warning(parts.plain(words("gate_closed", number=len(law.points))), icon=":material/block:", width=parts.TEXT_WIDTH)
    for kind in dict.fromkeys(point.kind for point in law.points):
        st.subheader(words(f"kind_{kind}"), anchor=False)
        for point in law.points:
            if point.kind == kind:
                open_point(law, point)


def open_point(law: Law, point: OpenPoint) -> None:
    """Show one point, its questions, its rules and how far these were checked."""
    french = session.language() == "fr"
    label = f"**{parts.plain(point.title[french])}** · {legal(f'gate_state_{point.state}')}"
    with st.expander(label, width=parts.TEXT_WIDTH):
        if questions := asking(law, point):
            st.markdown("\n".join(f"- {parts.plain(question)}" for question in questions))
        else:
            st.markdown(words("nothing_to_answer"))
        parts.note(parts.plain(words("rules", rules=", ".join(map(rule_name, point.rules)) or NOTHING, sure=sure(point.confidence))))


def asking(law: Law, point: OpenPoint) -> tuple[str, ...]:
    """Return the questions of a point, one by one where they are kept so."""
    language = session.language()
    found = next((tuple(one.questions(language)) for one in law.trace if point.kind == "rule" and one.rule.id == point.code), ())
    form = next((one.questions[language == "fr"] for one in law.formalities.items if point.kind == "formality" and one.code == point.code), ())
    whole = point.questions[language == "fr"]
    return tuple(dict.fromkeys(found or form)) or ((whole,) if whole else ())


def rule_name(rule: str) -> str:
    """Return the id of a rule; the CNIL's list has a name."""
    return say("formalities.cnil_list", session.language()) if rule == "cnil_list" else rule


def sure(confidence: str) -> str:
    """Return how far a rule was checked, in words."""
    return say(f"law.confidence_{confidence or 'none'}", session.language())


def formalities(law: Law) -> None:
    """Show which formalities are due, and which are done; those of before 25 May 2018 only where they were in force on that day."""
    heading("formalities")
    language = session.language()
    items = [one for one in law.formalities.items if one.confidence or one.code not in HISTORIC]
    parts.words_table([legal("col_formality"), words("due")], [(one.title(language), _due(one)) for one in items], alt=legal("caption_formalities"))


def _due(one: Formality) -> tuple[str, str]:
    """Return whether a formality is required and done; then why, and how far its rules were checked."""
    stands = words("required_no") if one.required is NO else words(f"required_{one.required.value}", done=words(f"done_{one.done.value}"))
    checked = words("checked", sure=sure(one.confidence.value)) if one.confidence else ""
    return stands, f"{one.reason(session.language())} {checked}"
