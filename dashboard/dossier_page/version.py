"""Which version this is, who signs it, and whose reviews do not cover it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import parts
import session
import streamlit as st
from dossier_page.words import cover, heading, role, words

from scoring.dossier.parts.cover.status import SHORT, Signing, SignOff, sign_off
from scoring.dossier.parts.days import day
from scoring.texts import pick, say


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
            cover("elsewhere_one", who=one.get("by"), role=role(one.get("role")), day=day(one.get("at"), session.language()), digest=short(one))
            for one in standing.elsewhere
        ]
        said = [f"{parts.plain(cover('elsewhere'))}\n", *(f"- {parts.plain(line)}" for line in lines)]
        st.warning("\n".join(said), icon=":material/history:", width=parts.TEXT_WIDTH)


def short(review: Mapping[str, Any]) -> str:
    """Return the first digits of the version that a review was of."""
    return str(review.get("digest") or "?")[:SHORT]
