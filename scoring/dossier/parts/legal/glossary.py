"""D19: the terms of law and of measurement that the dossier uses, each in a sentence, with its source."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import Final

from scoring.dossier.document import Block, Row, TableBlock
from scoring.dossier.parts.legal.formalities import columns, titled, told
from scoring.dossier.view import View

TERMS: Final = (
    *("anonymisation", "profiling", "controller", "processor", "dpo", "dpia", "consultation", "authorisation", "au_005"),
    *("wp248", "record", "legal_basis", "consent", "legitimate_interest", "minimisation", "special_categories"),
    *("automated_decision", "decisiveness", "override", "human_review", "pseudonym", "direct_discrimination"),
    *("indirect_discrimination", "criterion", "proxy", "exclusion", "selection_rate", "impact_ratio", "four_fifths"),
    *("tolerance", "interval", "information_value", "auc", "cutoff", "segment", "ai_system", "high_risk", "fria", "art_4a"),
    *("deployer", "open_question", "checked", "gate"),
)


def _plain(term: str) -> str:
    """Return a term without accents and capitals: dictionaries order by letters."""
    return "".join(one for one in unicodedata.normalize("NFD", term.casefold()) if not unicodedata.combining(one))


def glossary(view: View) -> Iterator[Block]:
    """Show the terms in the order of the reader's alphabet."""
    if not view.declared:
        return
    yield titled(view, "glossary")
    cells = [tuple(told(view, f"{part}_{term}") for part in ("term", "means", "source")) for term in TERMS]
    rows = tuple(Row(row) for row in sorted(cells, key=lambda row: _plain(row[0])))
    yield TableBlock(told(view, "caption_glossary"), columns(view, "term", "means", "source"), rows)
