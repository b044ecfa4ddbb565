"""Where the dossier stands: who signs, what stops the launch, which formalities are due, what is lacking; and its files."""

from __future__ import annotations

import dossiers
import parts
import session
import streamlit as st
from dossier_page.files import files, lacking
from dossier_page.gate import asked, formalities, gate
from dossier_page.recorded import register
from dossier_page.version import version
from dossier_page.words import words

from scoring.texts import say


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


show()
