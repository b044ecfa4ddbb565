"""D4: who takes part, under which contracts, which texts apply, and where data go."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scoring.assessment import ARTICLE_28, Clause
from scoring.dossier.document import Block, KeyValues, Paragraph, Row
from scoring.dossier.parts.declared.shared import (
    Lacks,
    cited,
    columns,
    day,
    heading,
    in_force,
    known,
    listed,
    of_declaration,
    pair,
    rule_named,
    said,
    table,
    text,
    words,
)
from scoring.dossier.parts.lacking import lacking
from scoring.dossier.parts.study.page_one import party
from scoring.dossier.view import View
from scoring.law.rules import packaged_rules

Contract = Mapping[str, Any]


@of_declaration
def actors(view: View) -> Iterator[Block]:
    """Name who takes part and who answers for it, the contracts clause by clause, the standards, and the transfers."""
    yield heading(view, "actors")
    yield KeyValues(tuple(_parties(view)))
    if not view.declared.get("dpo"):
        yield from lacking(view, (words(view, "lacks_dpo"), "controller"))
    yield Paragraph(words(view, "liable"))
    yield from cited(view, "EU-GDPR-5", "EU-GDPR-26", "EU-GDPR-28", "EU-GDPR-37-39")
    yield heading(view, "contracts")
    yield from contracts(view)
    yield heading(view, "standards")
    yield from said(view, standards="controller")
    yield from _out_of_scope(view)
    yield heading(view, "transfers")
    yield from _transfers(view)


def _parties(view: View) -> Iterator[tuple[str, str]]:
    document = view.declared
    yield view.say("controller"), party(view, document["controller"])
    yield view.say("joint_controllers"), "\n".join(party(view, one) for one in document.get("joint_controllers") or ()) or view.say("none")
    for name in ("representative", "dpo"):
        yield view.say(name), party(view, document[name]) if document.get(name) else view.say("not_declared")


def clauses_missing(contract: Contract) -> tuple[Clause, ...]:
    """Return which clauses of GDPR art. 28(3) a contract lacks; only a processor's must hold them.

    >>> [str(clause) for clause in clauses_missing({"role": "processor", "clauses": ARTICLE_28[:7]})], clauses_missing({"role": "recipient"})
    (['audit'], ())
    """
    held = set(contract.get("clauses") or ())
    return tuple(clause for clause in ARTICLE_28 if clause not in held) if contract.get("role") == "processor" else ()


def contracts(view: View) -> Iterator[Block]:
    """List the contracts clause by clause, and what is missing of them."""
    found = listed(view, "contracts")
    rows = [Row(_cells(view, one), "\n".join(_clauses(view, one))) for one in found]
    titles = columns(view, "party", "role", "object", "signed", "article_28")
    yield from table(view, "contracts", titles, rows, note=words(view, "note_contracts"), remark=words(view, "col_clauses"))
    lacks = [lack for one in found for lack in _lacks(view, one)]
    if not found:
        lacks.append((words(view, "lacks_contracts"), "controller"))
    if view.declared.get("joint_controllers") and not any(one.get("role") == "joint_controller" for one in found):
        lacks.append((words(view, "lacks_arrangement"), "controller"))
    yield from lacking(view, *lacks)


def _cells(view: View, contract: Contract) -> tuple[str, ...]:
    held = len(ARTICLE_28) - len(clauses_missing(contract))
    counted = words(view, "clauses_held", held=held, total=len(ARTICLE_28)) if contract.get("role") == "processor" else words(view, "not_asked")
    role = known(view, f"role_{contract.get('role')}", contract.get("role") or words(view, "not_said"))
    return str(contract.get("party") or words(view, "not_said")), role, text(view, contract.get("object")), day(view, contract.get("signed")), counted


def _clauses(view: View, contract: Contract) -> Iterator[str]:
    held = [clause for clause in Clause if clause in (contract.get("clauses") or ())]
    if held:
        yield pair(view, words(view, "clauses_present"), view.semicolons(words(view, f"clause_{clause}") for clause in held))
    if missing := clauses_missing(contract):
        yield pair(view, words(view, "clauses_missing"), view.semicolons(words(view, f"clause_{clause}") for clause in missing))
    if licence := view.pick(contract.get("licence")):
        yield pair(view, words(view, "licence"), licence)


def _lacks(view: View, contract: Contract) -> Iterator[Lacks]:
    name = str(contract.get("party") or words(view, "not_said"))
    if missing := clauses_missing(contract):
        yield words(view, "lacks_clauses", party=name, clauses=view.semicolons(words(view, f"clause_{clause}") for clause in missing)), "controller"
    if not contract.get("signed"):
        yield words(view, "lacks_signed", party=name), "controller"
    if contract.get("role") == "provider" and not contract.get("licence"):
        yield words(view, "lacks_licence", party=name), "controller"


def _out_of_scope(view: View) -> Iterator[Block]:
    """Say what the CNIL's standard on commercial management does not cover, in the words of the rule and with its confidence."""
    rule = "FR-REF-GC-SCOPE"
    if in_force(view, rule):
        requirement = packaged_rules()[rule].requirement.said(view.language)
        yield Paragraph(words(view, "out_of_scope", requirement=requirement, rule=rule_named(view, rule)))


def _transfers(view: View) -> Iterator[Block]:
    found = view.declared.get("transfers") or ()
    if not found:
        yield Paragraph(words(view, "no_transfers"))
    rows = [Row((one["country"], one["recipient"], view.pick(one["safeguards"]))) for one in found]
    yield from table(view, "transfers", columns(view, "country", "recipient", "safeguards"), rows)
    yield from cited(view, "EU-GDPR-44")
