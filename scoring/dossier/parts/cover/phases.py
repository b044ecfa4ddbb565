"""Plan, frame, deploy, follow up: what each phase needs, where the dossier shows it, and what comes next."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from scoring.assessment import Right, Risk
from scoring.dossier.document import Block, Callout, Column, Paragraph, Row, TableBlock
from scoring.dossier.gaps import Key, answers, given, key_of_row, shown
from scoring.dossier.parts.annexes.shared import listed, part, words
from scoring.dossier.parts.cover.status import SignOff, sign_off
from scoring.dossier.parts.declared.actors import contracts
from scoring.dossier.parts.declared.data_quality import origins
from scoring.dossier.parts.declared.information import information
from scoring.dossier.parts.declared.rights import rights_given
from scoring.dossier.parts.declared.risks import feared_events
from scoring.dossier.parts.declared.shared import Part
from scoring.dossier.view import View

PHASES: Final = ("plan", "frame", "deploy", "follow")
"""Prévoir, Encadrer, Déployer, Suivre."""
Gaps = Collection[Key]


def _words(said: object) -> set[str]:
    """Return declared words, in every language that they are in."""
    return {str(one) for one in said.values()} if isinstance(said, Mapping) else {str(said)}


@dataclass(frozen=True, slots=True)
class _State:
    """What a need may look at."""

    declared: Mapping[str, Any]
    record: Mapping[str, Any]
    sign: SignOff
    gaps: Gaps
    rights: Collection[Right]

    @property
    def said(self) -> Mapping[str, Any]:
        return self.declared.get("assessment") or {}

    def opinion(self, kind: str) -> bool:
        return any(one.get("kind") == kind for one in listed(self.record, "opinions"))

    @property
    def measures_taken(self) -> bool:
        """Tell whether measures are there, none still planned; one that answers a gap is, until the register closes an action of its words."""
        measures = (self.said.get("measures") or {}).values()
        done = {str(one.get("what") or "") for one in listed(self.record, "actions") if one.get("done_at")}
        promised = [one.measure for one in given(self.declared, self.record) if one.measure is not None]
        return bool(measures) and all(one.get("in_place", True) for one in measures) and all(_words(one) & done for one in promised)

    def closed(self, name: str, mark: str) -> bool:
        """Tell whether nothing of a list is open; of a list that nobody handed in, that is not known."""
        return name in self.record and all(one.get(mark) for one in listed(self.record, name))


@dataclass(frozen=True, slots=True)
class Need:
    """Something that a phase needs, the section that shows it, and whether it is there."""

    phase: str
    name: str
    section: str
    done: bool
    state: str
    """How that is said: ``done``, ``missing``; ``begun`` where its section names pieces that are missing; ``none_shown``."""


_NEEDS: Final[tuple[tuple[str, str, str, Callable[[_State], bool]], ...]] = (
    ("plan", "description", "D2", lambda state: bool(state.said.get("description"))),
    ("plan", "purposes", "D3", lambda state: bool(state.declared.get("purposes"))),
    ("plan", "origins", "D5", lambda state: bool(state.said.get("origins"))),
    ("plan", "necessity", "D6", lambda state: bool(state.said.get("necessity"))),
    ("plan", "intended_use", "D19", lambda state: bool(state.said.get("intended_use"))),
    ("plan", "study", "D12", lambda state: bool(state.declared.get("study"))),
    ("frame", "facts", "D1", lambda state: bool(state.declared.get("facts"))),
    ("frame", "contracts", "D4", lambda state: bool(state.said.get("contracts") or listed(state.record, "contracts"))),
    ("frame", "notices", "D8", lambda state: bool(state.said.get("notices") or listed(state.record, "notices"))),
    ("frame", "rights", "D9", lambda state: set(state.rights) <= set(state.said.get("rights") or {})),
    ("frame", "gaps", "D12", lambda state: set(state.gaps) <= set(answers(state.declared, state.record))),
    ("frame", "measures", "D14", lambda state: bool(state.said.get("measures"))),
    ("frame", "risks", "D15", lambda state: set(Risk) <= set(state.said.get("risks") or {})),
    ("frame", "dpo_opinion", "D15", lambda state: state.opinion("dpo")),
    ("frame", "views", "D15", lambda state: state.opinion("persons")),
    ("deploy", "oversight", "D9", lambda state: bool(state.said.get("oversight"))),
    ("deploy", "stop", "D14", lambda state: bool((state.said.get("monitoring") or {}).get("stop"))),
    ("deploy", "in_place", "D15", lambda state: state.measures_taken),
    ("deploy", "training", "D16", lambda state: bool(state.said.get("training") or listed(state.record, "training"))),
    ("deploy", "validated", "D0", lambda state: state.sign.state == "validated"),
    ("follow", "schedule", "D17", lambda state: bool(state.said.get("monitoring"))),
    ("follow", "incidents", "D17", lambda state: state.closed("incidents", "closed_at")),
    ("follow", "deviations", "D17", lambda state: state.closed("deviations", "decided")),
    ("follow", "actions", "D15", lambda state: state.closed("actions", "done_at")),
)
"""Phase, need, section, and what of declaration and record meets it."""


def needs(
    declared: Mapping[str, Any],
    record: Mapping[str, Any],
    *,
    gaps: Gaps = (),
    digest: str | None = None,
    rights: Collection[Right] = tuple(Right),
    lacking: Collection[str] = (),
) -> tuple[Need, ...]:
    """Return what each phase needs, in order, and whether it is there; it looks at nothing but what it is handed.

    Parameters
    ----------
    declared, record
        The declaration, and what people recorded in the register, as plain data.
    gaps
        Attribute, group and metric of each gap that the study shows: all must be answered.
    digest
        Of the study, which reviews must name.
    rights
        Those that must have a desk.
    lacking
        Needs of which their section names a piece that is missing: what is there does not meet them.

    Examples
    --------
    >>> [need.name for need in needs({"purposes": ["x"]}, {}) if need.phase == "plan" and need.done]
    ['purposes']
    """
    state = _State(declared, record, sign_off(declared, record, digest), gaps, rights)
    return tuple(_need(phase, name, section, met=met(state), lacks=name in lacking, gaps=gaps) for phase, name, section, met in _NEEDS)


def _need(phase: str, name: str, section: str, *, met: bool, lacks: bool, gaps: Gaps) -> Need:
    done = met and not lacks
    state = "none_shown" if name == "gaps" and not gaps else "done" if done else "begun" if met else "missing"
    return Need(phase, name, section, done, state)


_TOLD: Final[Mapping[str, Part]] = {"origins": origins, "contracts": contracts, "notices": information, "risks": feared_events}
"""The needs whose sections look into what is there, with the part of the section that names what is missing of it."""


def _lacking(view: View) -> set[str]:
    return {name for name, told in _TOLD.items() if any(isinstance(block, Callout) and block.missing for block in told(view))}


def phases(view: View) -> Iterator[Block]:
    """Show the four phases, what each needs and where it stands, and the next step."""
    if not view.declared:
        return
    gaps = [key_of_row(row) for row in shown(view.tables, view.judged)]
    found = needs(view.declared, view.record, gaps=gaps, digest=view.study.digest, rights=rights_given(view), lacking=_lacking(view))
    yield part(view, "phases")
    yield Paragraph(words(view, "phases"))
    columns = tuple(Column(words(view, f"col_{name}")) for name in ("need", "where", "state"))
    rows = tuple(
        Row((words(view, f"need_{need.name}"), need.section, words(view, need.state)), section=_phase(view, need.phase, found)) for need in found
    )
    yield TableBlock(words(view, "caption_phases"), columns, rows, words(view, "note_phases"))
    first = next((need for need in found if not need.done), None)
    if first is None:
        yield Paragraph(words(view, "next_none"))
    else:
        yield Paragraph(words(view, "next", phase=words(view, f"phase_{first.phase}"), need=words(view, f"need_{first.name}"), section=first.section))


def _phase(view: View, phase: str, found: Collection[Need]) -> str:
    mine = [need for need in found if need.phase == phase]
    return words(view, "phase_count", phase=words(view, f"phase_{phase}"), done=sum(need.done for need in mine), needs=len(mine))
