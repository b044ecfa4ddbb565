"""The subcommand `equiscore law`: check rules, ask the gate, list what is still to be said. It gives no legal advice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scoring.commands.options import Json, Lang, Language, RegisterUrl, kept_register
from scoring.errors import EquiscoreError

if TYPE_CHECKING:
    from scoring.authorising.filed import Filed
    from scoring.dossier.legal import Asked, Law

law_app = typer.Typer(help="Rules of law kept as data: check them, ask the gate. The tool gives no legal advice.", no_args_is_help=True)
CLOSED = 1


Where = Annotated[Path, typer.Argument(help="Folder of a study, or a declaration (activity.yaml).", show_default=False)]
AsOf = Annotated[str | None, typer.Option("--as-of", help="The day on which the law is asked (2026-01-31).  [default: study.as_of]")]


@law_app.command("check")
def check(
    files: Annotated[list[Path] | None, typer.Argument(help="Files of rules (YAML).  [default: those shipped]", show_default=False)] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")] = False,
) -> None:
    """Read rules and report every fault at once: form, dates, conditions, languages."""
    from scoring.law.rules import read_rules

    book = read_rules(files or None)
    if not quiet:
        typer.echo(f"{len(book.rules)} rules can be read. No legal advice: each shows how sure its source is.")


@law_app.command("gate")
def gate(where: Where, as_of: AsOf = None, lang: Lang = Language.EN, register: RegisterUrl = None, as_json: Json = False) -> None:
    """Say what stops the launch; exit 1 while anything does. An open gate authorises nothing."""
    from scoring.texts import say

    law = _asked(where, as_of, register)
    if as_json:
        typer.echo(json.dumps(_document(law, lang), ensure_ascii=False))
    elif law.points:
        from scoring.law.gate import GateClosed

        typer.echo(str(GateClosed(law.points, law.as_of, lang)))
    else:
        typer.echo(f"{say('dossier_law.gate_open', lang)} {say('law.no_advice', lang)}")
    raise typer.Exit(CLOSED if law.points else 0)


@law_app.command("ask")
def ask(
    where: Where,
    as_of: AsOf = None,
    lang: Lang = Language.EN,
    register: RegisterUrl = None,
    whole: Annotated[bool, typer.Option("--all", help="Also what open rules wait for that stop nothing.")] = False,
) -> None:
    """Print the facts that are still to be stated, as lines to put under `facts:` of the declaration."""
    from scoring.dossier.legal import wanted

    law = _asked(where, as_of, register)
    typer.echo("\n".join(_lines(law, wanted(law, whole=whole), lang)))


def _asked(where: Path, as_of: str | None, url: str | None) -> Law:
    """Ask the law about a study or a declaration, and what people recorded in the register where one is named."""
    from scoring.activity import ProcessingActivity
    from scoring.authorising.filed import Filed, filed_study
    from scoring.dossier.legal import assess, assess_activity
    from scoring.provenance import read_manifest
    from scoring.study import Study

    day = _day(as_of)
    if where.is_dir():
        study = Study.load(where)
        return assess(study, as_of=day, record=_recorded(url, filed_study(study, read_manifest(where))) if url else {})
    activity = ProcessingActivity.read(where)
    return assess_activity(activity, as_of=day, record=_recorded(url, Filed("", activity.document(), {}, {})) if url else {})


def _recorded(url: str, study: Filed) -> dict[str, Any]:
    from scoring.authorising import record_of
    from scoring.register import open_register

    with open_register(kept_register(url)) as register:
        return record_of(register, study)


def _day(written: str | None) -> date | None:
    try:
        return date.fromisoformat(written) if written else None
    except ValueError:
        raise EquiscoreError(f"--as-of: no such day as {written!r}. Fix: write it like 2026-01-31.") from None


def _document(law: Law, language: str) -> dict[str, Any]:
    from scoring.texts import say

    points = [point.row(language) for point in law.points]
    return {"as_of": str(law.as_of), "closed": bool(points), "open_points": points, "no_advice": say("law.no_advice", language)}


def _lines(law: Law, facts: tuple[Asked, ...], language: str) -> Iterator[str]:
    from scoring.facts import FACTS
    from scoring.texts import say

    yield f"# {say('law.no_advice', language)}"
    yield "facts:"
    for asked in facts:
        if asked.fact in FACTS:
            fact = FACTS[asked.fact]
            yield f"  # {say(f'law.fact_{asked.fact}', language)} [{', '.join(asked.rules)}]"
            yield f"  # {asked.fact}: {' | '.join(fact.allowed or _FORMS[fact.kind])}"
    if human := [rule for asked in facts if asked.fact == "ask" for rule in asked.rules]:
        yield f"# {say('dossier_law.only_human', language)}"
        yield from (f"#   {rule}: {law.trace[rule].rule.question.said(language)}" for rule in human)


_FORMS = {"bool": ("yes", "no"), "number": ("0",), "date": ("2026-01-31",), "word": (), "list": ()}
