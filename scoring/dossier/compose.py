"""From a study to a document: the order in which a reader must learn things.

First what was asked, what was not measured, who is missing and what is not said; then who is excluded; then the numbers, and
what else the declaration asks (strata, funnel, amounts, population, what was not observed); the score, other ways to score, the
method, the register entry; last, the command that makes it all again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain

from scoring.dossier.document import Block, Document, numbered
from scoring.dossier.parts.amounts import amounts
from scoring.dossier.parts.closing import everybody, method, provenance, register
from scoring.dossier.parts.combinations import combinations
from scoring.dossier.parts.conditional import conditional
from scoring.dossier.parts.findings import findings
from scoring.dossier.parts.funnel import funnel
from scoring.dossier.parts.other_ways import other_ways
from scoring.dossier.parts.page_one import page_one
from scoring.dossier.parts.representation import representation
from scoring.dossier.parts.score import score, segments
from scoring.dossier.parts.score_groups import score_groups
from scoring.dossier.parts.unknown import unknown_members
from scoring.dossier.parts.unobserved import memberships, selective
from scoring.dossier.parts.verdicts import verdicts
from scoring.dossier.view import View
from scoring.study import Study

Part = Callable[[View], Iterator[Block]]
PARTS: tuple[Part, ...] = (
    page_one, findings, verdicts, combinations, conditional, funnel, amounts, representation, unknown_members, memberships, selective,
    segments, score, score_groups, other_ways, everybody, method, register, provenance,
)  # fmt: skip


def compose(study: Study, language: str) -> Document:
    """Return the dossier of a study as blocks, from its published tables only.

    Parameters
    ----------
    study
        Of a declaration or of an audit.
    language
        ``en`` or ``fr``.
    """
    view = View.of(study, language)
    blocks = numbered(tuple(chain.from_iterable(part(view) for part in PARTS)), language)
    document = study.document
    title = view.pick(document["name"]) if document else view.say("title_audit")
    kicker = view.say("kicker", reference=document["reference"]) if document else view.say("kicker_audit")
    return Document(title, language, blocks, kicker, view.say("subtitle"))
