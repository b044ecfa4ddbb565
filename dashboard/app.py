"""The dashboard: navigation, language and study. What is shown stands in `views`, and is what a study publishes."""

from __future__ import annotations

import sys
from pathlib import Path

import streamlit as st

HERE = Path(__file__).resolve().parent
if str(HERE) not in sys.path:  # the same imports from a checkout, from a wheel and in tests
    sys.path.insert(0, str(HERE))

import parts  # noqa: E402
import session  # noqa: E402

st.set_page_config(page_title="Equiscore", page_icon=(HERE / "icon.svg").read_text(encoding="utf-8"), layout="wide", initial_sidebar_state="auto")
session.choose_language()
session.choose_study()
parts.declare_language()
views = {
    "overview": ":material/summarize:",
    "groups": ":material/groups:",
    "whatif": ":material/tune:",
    "further": ":material/help:",
    "dossier": ":material/fact_check:",
}
pages = [
    st.Page(HERE / "views" / f"{name}.py", title=parts.t(f"page_{name}"), icon=icon, url_path=name, default=name == "overview")
    for name, icon in views.items()
]
page = st.navigation({"Equiscore": pages})
if session.is_open():
    page.run()
else:
    parts.nothing_to_show()
