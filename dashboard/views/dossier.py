"""Where the dossier stands: who signs, what stops the launch, which formalities are due, what is lacking; and its files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dossiers
import parts
import session
import streamlit as st

from scoring.dossier.legal import HISTORIC, Law
from scoring.dossier.parts.annexes.shared import listed
from scoring.dossier.parts.cover.status import SHORT, Signing, SignOff, sign_off
from scoring.dossier.parts.days import day
from scoring.errors import EquiscoreError
from scoring.law.conditions import NO
from scoring.law.formalities import Formality
from scoring.law.gate import OpenPoint
from scoring.texts import NOTHING, has, pick, say

COUNTED = ("justifications", "incidents", "deviations", "contracts", "notices", "training")


def show() -> None:
    """Show the page."""
    parts.opening("dossier")
    st.info(say("law.no_advice", session.language()), icon=":material/balance:", width=parts.TEXT_WIDTH)
    declared = session.study().document
    if not declared:
        st.info(words("no_declaration"), icon=":material/info:", width=parts.TEXT_WIDTH)
        files({}, dossiers.REPORT, "report")
        return
    held = dossiers.recorded()
    version(declared, held.record)
    register(held)
    law = asked(held.record)
    if law is not None:
        gate(law)
        formalities(law)
    lacking(held.record)
    files(held.record, tuple(dossiers.FILES) if law else tuple(kind for kind in dossiers.FILES if kind != "zip"), "files")


def words(key: str, /, **values: Any) -> str:
    """Return a text of this page."""
    return say(f"dashboard_dossier.{key}", session.language(), **values)


def legal(key: str, /, **values: Any) -> str:
    """Return a text of the law in the dossier."""
    return say(f"dossier_law.{key}", session.language(), **values)


def cover(key: str, /, **values: Any) -> str:
    """Return a text of the dossier's cover."""
    return say(f"dossier_annexes.{key}", session.language(), **values)


def heading(key: str) -> None:
    """Show a heading of the second level."""
    st.header(words(key), anchor=False, divider=False)


def refused(error: EquiscoreError) -> None:
    """Show why something cannot be made."""
    st.error(parts.plain(str(error)), icon=":material/error:", width=parts.TEXT_WIDTH)


# which version, and who signs it


def version(declared: Mapping[str, Any], record: Mapping[str, Any]) -> None:
    """Show how far this version has come, and who must sign it."""
    heading("version")
    digest = session.study().digest
    standing = sign_off(declared, record, digest)
    parts.read(f"**{parts.plain(cover(f'state_{standing.state}'))}**")
    if standing.refused_by:
        parts.read(parts.plain(cover("refused", who=", ".join(standing.refused_by))))
    parts.note(words("digest", short=digest[:SHORT]))
    elsewhere(standing)
    if not standing.signers:
        parts.read(
            parts.plain(say("missing.item", session.language(), what=cover("missing_signers"), who=say("missing.who_controller", session.language())))
        )
        return
    titles = [cover(f"col_{name}") for name in ("signer", "review", "signature")]
    parts.words_table(titles, [_signer(one) for one in standing.signers], alt=cover("caption_signers"))
    parts.note(cover("note_signers"))


def _signer(one: Signing) -> tuple[parts.Words, ...]:
    said = _outcome(one.review) if one.review else cover("not_reviewed")
    return (one.name, role(one.role)), said, cover("signed" if one.signed else "unsigned")


def _outcome(review: Mapping[str, Any]) -> str:
    """Return what a review came to, with its words."""
    said = cover(f"outcome_{review['outcome']}", day=day(review.get("at"), session.language()))
    return f"{said} {pick(review.get('text'), session.language())}".strip()


def elsewhere(standing: SignOff) -> None:
    """Say whose reviews do not cover this version."""
    if standing.elsewhere:
        lines = [
            cover("elsewhere_one", who=one.get("by"), role=role(one.get("role")), day=day(one.get("at"), session.language()), digest=_short(one))
            for one in standing.elsewhere
        ]
        said = [f"{parts.plain(cover('elsewhere'))}\n", *(f"- {parts.plain(line)}" for line in lines)]
        st.warning("\n".join(said), icon=":material/history:", width=parts.TEXT_WIDTH)


def _short(review: Mapping[str, Any]) -> str:
    return str(review.get("digest") or "?")[:SHORT]


def role(name: Any) -> str:
    """Return a role in the reader's language; one that is not ours stays as it was recorded."""
    key = f"dossier_annexes.role_{name}"
    return say(key, session.language()) if has(key, session.language()) else str(name or NOTHING)


# what is in the register


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
    return words("review") if review.get("digest") == session.study().digest else words("review_other", short=_short(review))


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


# what the law asks


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


# what is lacking, and the files


def lacking(record: Mapping[str, Any]) -> None:
    """Show what the dossier says that it lacks, section by section, with who must supply it."""
    heading("lacking")
    try:
        with st.spinner(words("composing")):
            found = dossiers.lacks(record)
    except EquiscoreError as error:
        refused(error)
        return
    if not found:
        parts.read(parts.plain(cover("lacks_nothing")))
        return
    parts.read(parts.plain(cover("lacks", pieces=len([item for _, items in found for item in items]), sections=len(found))))
    for title, items in found:
        with st.expander(parts.plain(cover("lacks_section", title=title, pieces=len(items))), width=parts.TEXT_WIDTH):
            st.markdown("\n".join(f"- {parts.plain(item)}" for item in items))


@st.fragment
def files(record: Mapping[str, Any], kinds: tuple[str, ...], title: str) -> None:
    """Make a file when it is asked for, then offer it; only this part of the page is drawn again."""
    heading(title)
    parts.read(words(f"{title}_said"))
    for kind in kinds:
        offer(record, kind)
    if title == "files":
        parts.note(words("unsigned"))


def offer(record: Mapping[str, Any], kind: str) -> None:
    """Show one file: what it is, and the button that makes it or hands it out."""
    key, name = f"{kind}_{session.language()}_{session.study().digest}", dossiers.file_name(kind)
    with st.container(border=True, width=parts.TEXT_WIDTH, gap="xsmall"):
        st.markdown(f"**{words(f'file_{kind}')}**")
        parts.note(words(f"file_{kind}_said"))
        slot = st.empty()
        if not slot.button(words("make", name=name), key=f"make_{key}", icon=":material/draft:") and not st.session_state.get(f"made_{key}"):
            return
        content = made(record, kind)
        if content is not None:
            st.session_state[f"made_{key}"] = True
            slot.download_button(
                words("download", name=name), content, name, dossiers.FILES[kind][1], key=f"get_{key}", icon=":material/download:", on_click="ignore"
            )


def made(record: Mapping[str, Any], kind: str) -> bytes | None:
    """Make a file; where it cannot be made, say why."""
    try:
        with st.spinner(words("making")):
            return dossiers.file(kind, record)
    except EquiscoreError as error:
        refused(error)
        return None


show()
