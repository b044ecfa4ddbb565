"""From a study to a document: the order in which a reader must learn things.

A declared activity gets the dossier of prior authorisation, sections D0 to D19: the cover says first who and which version, what was
asked, what was not measured, who is missing and what is not said, then what was found and what the dossier still lacks. A study without a declaration
gets the study alone. Last, always, the command that makes it all again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import chain
from typing import Any, Final

from scoring.dossier.document import Block, Bullets, Callout, Document, Heading, numbered
from scoring.dossier.parts.annexes.annex_iv import annex_iv
from scoring.dossier.parts.annexes.fria import fria
from scoring.dossier.parts.annexes.ll144 import ll144
from scoring.dossier.parts.annexes.model_card import model_card
from scoring.dossier.parts.cover.phases import phases
from scoring.dossier.parts.cover.status import cover, standing_of, status, version
from scoring.dossier.parts.declared.actors import actors
from scoring.dossier.parts.declared.campaigns import campaigns
from scoring.dossier.parts.declared.data_quality import data_quality
from scoring.dossier.parts.declared.description import description
from scoring.dossier.parts.declared.following import following
from scoring.dossier.parts.declared.governance import governance
from scoring.dossier.parts.declared.information import information
from scoring.dossier.parts.declared.justifications import justifications
from scoring.dossier.parts.declared.legal_basis import legal_basis
from scoring.dossier.parts.declared.purposes import purposes
from scoring.dossier.parts.declared.retention import retention
from scoring.dossier.parts.declared.rights import rights
from scoring.dossier.parts.declared.risks import risks
from scoring.dossier.parts.declared.security import security
from scoring.dossier.parts.legal.criteria import criteria
from scoring.dossier.parts.legal.exposure import exposure
from scoring.dossier.parts.legal.formalities import formalities
from scoring.dossier.parts.legal.glossary import glossary
from scoring.dossier.parts.legal.minimisation import minimisation
from scoring.dossier.parts.legal.rule_trace import rule_trace
from scoring.dossier.parts.study.amounts import amounts
from scoring.dossier.parts.study.closing import everybody, method, provenance, register
from scoring.dossier.parts.study.combinations import combinations
from scoring.dossier.parts.study.conditional import conditional
from scoring.dossier.parts.study.findings import findings
from scoring.dossier.parts.study.funnel import funnel
from scoring.dossier.parts.study.other_ways import other_ways
from scoring.dossier.parts.study.page_one import page_one
from scoring.dossier.parts.study.representation import representation
from scoring.dossier.parts.study.score import score, segments
from scoring.dossier.parts.study.score_groups import score_groups
from scoring.dossier.parts.study.unknown import unknown_members
from scoring.dossier.parts.study.unobserved import memberships, selective
from scoring.dossier.parts.study.verdicts import verdicts
from scoring.dossier.view import View
from scoring.fairness.narrative import headline
from scoring.study import Study
from scoring.texts import say

Part = Callable[[View], Iterator[Block]]
STUDY: Final[tuple[Part, ...]] = (
    page_one, findings, verdicts, combinations, conditional, funnel, amounts, representation, unknown_members, memberships, selective,
    segments, score, score_groups, other_ways, everybody, method, register, provenance,
)  # fmt: skip
"""A study without a declaration."""
COVER: Final = "D0"
SECTIONS: Final[Mapping[str, tuple[Part, ...]]] = {
    "D1": (formalities,),
    "D2": (description, register),
    "D3": (purposes,),
    "D4": (actors,),
    "D5": (data_quality, everybody, representation, unknown_members),
    "D6": (minimisation,),
    "D7": (retention,),
    "D8": (information,),
    "D9": (rights,),
    "D10": (legal_basis,),
    "D11": (segments, score, score_groups),
    "D12": (findings, justifications, verdicts, combinations, conditional, funnel, amounts, memberships, selective, criteria, other_ways, method),
    "D13": (campaigns,),
    "D14": (security,),
    "D15": (risks,),
    "D16": (governance,),
    "D17": (phases, following),
    "D18": (exposure,),
    "D19": (fria, annex_iv, model_card, ll144, rule_trace, glossary, provenance),
}
"""The sections of a dossier after its cover, as an authority asks for them."""
_NEW_PAGE: Final = frozenset({"D1", "D11", "D12", "D15", "D19"})


def compose(study: Study, language: str, record: Mapping[str, Any] | None = None) -> Document:
    """Return the dossier of a study as blocks, from its published tables only.

    Parameters
    ----------
    study
        Of a declaration or of an audit.
    language
        ``en`` or ``fr``.
    record
        What people recorded in the register of this activity and study (`scoring.dossier.view.View.record`).
    """
    return compose_view(View.of(study, language, record))


def compose_view(view: View) -> Document:
    """Return the dossier that a view shows; for who needs the view for more than the document."""
    blocks = _dossier(view) if view.declared else chain.from_iterable(part(view) for part in STUDY)
    document = view.study.document
    title = view.pick(document["name"]) if document else view.say("title_audit")
    kicker = view.say("kicker", reference=document["reference"]) if document else view.say("kicker_audit")
    told = numbered(tuple(blocks), view.language)
    return Document(title, view.language, told, kicker, view.say("subtitle"), cover(view), standing_of(view))


def _dossier(view: View) -> Iterator[Block]:
    """Compose the sections first: the cover tells what they lack."""
    held = {code: tuple(chain.from_iterable(_under(part(view)) for part in parts)) for code, parts in SECTIONS.items()}
    yield _opening(COVER, view.language)
    yield from version(view)
    yield from _under(page_one(view))
    yield from _in_short(view)
    yield from status(view, tuple(chain.from_iterable(_lacks(code, blocks, view.language) for code, blocks in held.items())))
    for code, blocks in held.items():
        yield _opening(code, view.language)
        yield from blocks


def _in_short(view: View) -> Iterator[Block]:
    """Say on the cover what was found; the findings themselves stand in D12."""
    yield Heading(3, say("sections.in_short", view.language), "in-short")
    yield Bullets(tuple(headline(view.judged, view.language, view.plan.primary)))


def _opening(code: str, language: str) -> Heading:
    return Heading(2, section_title(code, language), code.lower(), code in _NEW_PAGE)


def section_title(code: str, language: str) -> str:
    """Return the title of a section.

    >>> section_title("D1", "fr")
    'D1. Formalités'
    """
    return say("sections.numbered", language, code=code, title=say(f"sections.{code.lower()}", language))


def _lacks(code: str, blocks: Iterable[Block], language: str) -> Iterator[Callout]:
    """Go through what a section says is missing, under its name."""
    for block in blocks:
        if isinstance(block, Callout) and block.missing:
            yield replace(block, title=section_title(code, language))


def _under(blocks: Iterable[Block]) -> Iterator[Block]:
    """Put a part under the heading of its section: the parts of a study bear headings of their own as sections."""
    deeper = False
    for block in blocks:
        if isinstance(block, Heading):
            deeper = deeper or block.level == 2
            yield replace(block, level=block.level + deeper, new_page=False)
        else:
            yield block
