"""What people recorded of the study: reviews, signatures, opinions, answers, and how many of the rest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dossiers
import parts
import session
import streamlit as st
from dossier_page.version import short
from dossier_page.words import role, words

from scoring.dossier.parts.annexes.shared import listed
from scoring.dossier.parts.cover.status import SHORT
from scoring.dossier.parts.days import day
from scoring.texts import NOTHING, has, pick, say

COUNTED = ("justifications", "incidents", "deviations", "contracts", "notices", "training")


def register(held: dossiers.Recorded) -> None:
    """Show what people recorded; nothing is taken as done because no register says otherwise."""
    st.subheader(words("register"), anchor=False)
    if not held.named:
        parts.read(words("no_register"))
    elif held.reason:
        st.warning(f"{words('register_unread')} {parts.plain(held.reason)}", icon=":material/database_off:", width=parts.TEXT_WIDTH)
    else:
        in_register(held.record)


def in_register(record: Mapping[str, Any]) -> None:
    """Show who said what and when, how many of the rest there are, and the head of the trail."""
    rows = entries(record)
    counts = {name: listed(record, name) for name in COUNTED}
    if rows:
        parts.words_table([words("entry_what"), words("entry_said")], rows, alt=words("alt_register"))
    if any(counts.values()):
        parts.read("\n".join(f"- {words(name, n=len(found))}" for name, found in counts.items() if found))
    if not rows and not any(counts.values()):
        parts.read(words("register_empty"))
    if head := record.get("trail_head"):
        parts.note(words("trail", sequence=head["sequence"], short=str(head["hash"])[:SHORT]))


def entries(record: Mapping[str, Any]) -> list[tuple[parts.Words, str]]:
    """Return reviews, signatures, opinions and answers, each with its author, its day and its words."""
    return [
        *(_entry(_of_version(one), one, _verdict(one)) for one in listed(record, "reviews")),
        *(_entry(words("signature"), one, "") for one in listed(record, "signatures")),
        *(_entry(words("opinion", whose=_whose(one.get("kind"))), one, _favourable(one)) for one in listed(record, "opinions")),
        *(_entry(words("answer", rule=one.get("rule")), one, pick(one.get("reason"), session.language())) for one in listed(record, "answers")),
    ]


def _of_version(review: Mapping[str, Any]) -> str:
    return words("review") if review.get("digest") == session.study().digest else words("review_other", short=short(review))


def _entry(what: str, one: Mapping[str, Any], said: str) -> tuple[parts.Words, str]:
    by = f"{one.get('by')} ({role(one['role'])})" if one.get("role") else str(one.get("by") or NOTHING)
    when = day(one.get("at") or one.get("on"), session.language()) or NOTHING
    return (what, words("entry_by", by=by, day=when)), said or NOTHING


def _verdict(review: Mapping[str, Any]) -> str:
    key = f"dashboard_dossier.outcome_{review.get('outcome')}"
    said = say(key, session.language()) if has(key, session.language()) else str(review.get("outcome"))
    return f"{said} {pick(review.get('text'), session.language())}".strip()


def _whose(kind: Any) -> str:
    key = f"dashboard_dossier.opinion_{kind}"
    return say(key, session.language()) if has(key, session.language()) else str(kind)


def _favourable(opinion: Mapping[str, Any]) -> str:
    said = {True: words("favourable"), False: words("unfavourable")}.get(opinion.get("favourable"), words("neither"))
    return f"{said} {pick(opinion.get('text'), session.language())}".strip()
