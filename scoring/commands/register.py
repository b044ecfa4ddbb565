"""The command `equiscore register`: one subcommand is one call. The clock and the name of who writes come in here, and nowhere below."""

from __future__ import annotations

import datetime as dt
import getpass
import json
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scoring.commands.options import Json, Language, kept_register
from scoring.errors import EquiscoreError
from scoring.texts.shown import plain_json, plainly

if TYPE_CHECKING:
    from scoring.register import Register

register_app = typer.Typer(help="Keep activities, studies, findings and reviewers, under one append-only trail.", no_args_is_help=True)

Url = Annotated[
    str,
    typer.Option(
        "--register",
        "--url",
        envvar="EQUISCORE_REGISTER",
        help="sqlite:///FILE or postgresql://HOST/NAME; a password belongs in the variable.",
    ),
]
Who = Annotated[str | None, typer.Option("--actor", help="Who writes, for the trail.  [default: the account]")]
_DEFAULT = "sqlite:///register.db"
_PROBLEMS = 2


class State(StrEnum):
    """States of an activity."""

    PLANNED = "planned"
    ACTIVE = "active"
    STOPPED = "stopped"


class Role(StrEnum):
    """Roles of a reviewer."""

    ANALYST = "analyst"
    MODEL_REVIEWER = "model_reviewer"
    DPO = "dpo"
    CONTROLLER = "controller"


@contextmanager
def _opened(url: str, *, make: bool = False) -> Iterator[Register]:
    """Open the register; only what begins one may make its file."""
    from scoring.register import open_register

    with open_register(url if make else kept_register(url)) as register:
        yield register


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def _by(actor: str | None) -> str:
    return actor or getpass.getuser()


def _day(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise EquiscoreError(f"{text!r}: no day. Fix: write it as 2026-11-22.") from None


@register_app.command("add")
def add_command(
    activity: Annotated[Path, typer.Argument(help="The declaration (activity.yaml).", show_default=False)],
    url: Url = _DEFAULT,
    status: Annotated[State, typer.Option(help="State of the activity.")] = State.ACTIVE,
    actor: Who = None,
) -> None:
    """Enter an activity, or a new state of one."""
    from scoring.activity import ProcessingActivity
    from scoring.register import add_activity

    document = ProcessingActivity.read(activity).document()
    with _opened(url, make=True) as register:
        event = add_activity(register, document, actor=_by(actor), at=_now(), status=status.value)
    typer.echo(f"{document['reference']}: {event.kind}, event {event.sequence}")


@register_app.command("list")
def list_command(
    search: Annotated[list[str] | None, typer.Argument(help="Words that must all be there.", show_default=False)] = None,
    url: Url = _DEFAULT,
    status: Annotated[State | None, typer.Option(help="Only those in this state.")] = None,
    as_json: Json = False,
) -> None:
    """List activities."""
    from scoring.register import find_activities

    with _opened(url) as register:
        found = find_activities(register, " ".join(search or ()), status=status.value if status else None)
    if as_json:
        typer.echo(plain_json([row._asdict() for row in found]))
        return
    for row in found:
        typer.echo("\t".join(" ".join(plainly(cell).split()) for cell in (row.reference, row.status, row.name, row.controller)))


@register_app.command("show")
def show_command(reference: Annotated[str, typer.Argument(help="Reference of an activity.", show_default=False)], url: Url = _DEFAULT) -> None:
    """Print an activity, whole, and its history, as JSON."""
    from scoring.register import activity, history

    with _opened(url) as register:
        held = activity(register, reference)
        events = history(register, f"activities/{reference}")
    told = [{"event": event.sequence, "kind": event.kind, "actor": event.actor, "at": event.at} for event in events]
    typer.echo(plain_json({"status": held.status, "activity": held.document, "history": told}, indent=1))


@register_app.command("study")
def study_command(
    study: Annotated[Path, typer.Argument(help="Folder of a study.", show_default=False)], url: Url = _DEFAULT, actor: Who = None
) -> None:
    """Enter a study and a finding for each gap that it shows; its activity is entered first."""
    from scoring.reading import plain_verdicts
    from scoring.register.findings import add_study
    from scoring.study import Study

    held = Study.load(study)
    if not held.document or not held.digest:
        raise EquiscoreError(f"{study}: a study without a declaration. Fix: make it with `equiscore study ACTIVITY.yaml`.")
    verdicts = plain_verdicts(held.published())
    with _opened(url) as register:
        events = add_study(
            register, held.digest, activity=held.document["reference"], as_of=held.plan.as_of, verdicts=verdicts, actor=_by(actor), at=_now()
        )
    typer.echo(f"{held.digest}: {len(events) - 1} new findings, event {events[-1].sequence}")


@register_app.command("findings")
def findings_command(
    digest: Annotated[str, typer.Argument(help="Digest of a study.", show_default=False)],
    url: Url = _DEFAULT,
    only_open: Annotated[bool, typer.Option("--open", help="Only those that nobody has answered.")] = False,
    as_json: Json = False,
) -> None:
    """List the gaps that a study shows, and how each was answered."""
    from scoring.register.findings import findings_of
    from scoring.register.models import Study

    with _opened(url) as register:
        with register.reading() as session:
            if session.get(Study, digest) is None:
                raise EquiscoreError(
                    f"{digest[:64]!r}: no such study in {register.described}. Fix: give the digest that `equiscore register study` prints."
                )
        found = findings_of(register, digest, only_open=only_open)
    if as_json:
        typer.echo(plain_json([{"finding": row.id, "status": row.status, **row.document} for row in found]))
        return
    for row in found:
        shown = row.document["shown"]
        due = f"\t{row.owner}, {row.due}" if row.owner else ""
        typer.echo(plainly(f"{row.id}\t{row.status}\t{shown['attribute']}: {shown['group']}, {shown['metric']}{due}"))


@register_app.command("justify")
def justify_command(
    finding: Annotated[str, typer.Argument(help="The finding.", show_default=False)],
    aim: Annotated[str, typer.Option(help="The legitimate aim.", show_default=False)],
    necessary: Annotated[str, typer.Option(help="Why the way is necessary.", show_default=False)],
    appropriate: Annotated[str, typer.Option(help="Why it is appropriate.", show_default=False)],
    alternatives: Annotated[str, typer.Option(help="Which other ways were tried, and why not they.", show_default=False)],
    owner: Annotated[str, typer.Option(help="Who answers for it.", show_default=False)],
    due: Annotated[str, typer.Option(help="Day on which it is looked at again (2026-11-22).", show_default=False)],
    url: Url = _DEFAULT,
    actor: Who = None,
) -> None:
    """Answer a gap by a justification."""
    from scoring.register.findings import JUSTIFICATION, justify

    said = dict(zip(JUSTIFICATION, (aim, necessary, appropriate, alternatives), strict=True))
    with _opened(url) as register:
        event = justify(register, finding, said, owner=owner, due=_day(due), actor=_by(actor), at=_now())
    typer.echo(f"{finding}: justified, event {event.sequence}")


@register_app.command("measure")
def measure_command(
    finding: Annotated[str, typer.Argument(help="The finding.", show_default=False)],
    text: Annotated[str, typer.Argument(help="What will be done.", show_default=False)],
    owner: Annotated[str, typer.Option(help="Who does it.", show_default=False)],
    due: Annotated[str, typer.Option(help="Until when (2026-11-22).", show_default=False)],
    done: Annotated[bool, typer.Option("--done", help="It was done.")] = False,
    url: Url = _DEFAULT,
    actor: Who = None,
) -> None:
    """Answer a gap by a measure."""
    from scoring.register.findings import plan_measure

    with _opened(url) as register:
        event = plan_measure(register, finding, text, owner=owner, due=_day(due), actor=_by(actor), at=_now(), done=done)
    typer.echo(f"{finding}: {'done' if done else 'measure planned'}, event {event.sequence}")


@register_app.command("enter")
def enter_command(
    file: Annotated[Path, typer.Argument(help="YAML with its `kind`: opinion, answer, incident, contract, notice ...", show_default=False)],
    url: Url = _DEFAULT,
    actor: Who = None,
) -> None:
    """Enter what a person said: opinion, answer to a rule, incident, deviation, contract, notice, training, clause."""
    from scoring.register.forms import enter, read_form

    form = read_form(file)
    with _opened(url) as register:
        events = enter(register, form, actor=_by(actor), at=_now())
    typer.echo(f"{file}: {form.kind}, event {events[-1].sequence}")


@register_app.command("reviewer")
def reviewer_command(
    name: Annotated[str, typer.Argument(help="Name, as a declaration writes it under review.signers.", show_default=False)],
    role: Annotated[Role, typer.Option(help="Role.", show_default=False)],
    certificate: Annotated[Path | None, typer.Option(help="Certificate (PEM or DER) whose signatures are theirs; never the private key.")] = None,
    withdrawn: Annotated[bool, typer.Option("--withdrawn", help="Reviews no more.")] = False,
    url: Url = _DEFAULT,
    actor: Who = None,
) -> None:
    """Enter a reviewer and pin the certificate."""
    from scoring.register.people import add_reviewer

    held = _certificate(certificate) if certificate else None
    with _opened(url, make=True) as register:
        event = add_reviewer(register, name, name=name, role=role.value, certificate=held, active=not withdrawn, actor=_by(actor), at=_now())
    typer.echo(f"{name}: {event.kind}, event {event.sequence}")


def _certificate(path: Path) -> bytes:
    """Return a certificate as it lies in its file; anything else would be pinned for ever, and no signature would match it."""
    from scoring.signing.certificates import read_certificate

    if path.suffix.lower() in {".p12", ".pfx"}:
        raise EquiscoreError(
            f"{path}: holds a key beside the certificate. Fix: give the certificate alone (openssl pkcs12 -in FILE -nokeys -clcerts)."
        )
    read_certificate(path)
    return path.read_bytes()


@register_app.command("verify")
def verify_command(
    url: Url = _DEFAULT,
    head: Annotated[str | None, typer.Option(help="Head noted elsewhere (NUMBER:HASH), such as in a signed dossier.")] = None,
    lang: Annotated[Language, typer.Option(help="Language.")] = Language.EN,
    as_json: Json = False,
) -> None:
    """Hold the whole register against its trail, and say what is not as it was written."""
    from scoring.register import Head, verify
    from scoring.texts import say

    noted = Head.read(head) if head else None
    with _opened(url) as register:
        problems, found, place = verify(register, head=noted), register.head(), register.described
    if as_json:
        told = [{"code": problem.code, **problem.fields, "said": problem.said(lang.value)} for problem in problems]
        typer.echo(json.dumps({"head": str(found), "problems": told}, ensure_ascii=False))
    else:
        trail = say("commands.trail", lang.value, events=found.sequence, head=found)
        intact = say("commands.as_written", lang.value, what=place, said=trail)
        typer.echo("\n".join(problem.said(lang.value) for problem in problems) or intact)
    raise typer.Exit(_PROBLEMS if problems else 0)


@register_app.command("head")
def head_command(url: Url = _DEFAULT) -> None:
    """Print the head of the trail: what to note elsewhere, so that a cut shows."""
    with _opened(url) as register:
        typer.echo(str(register.head()))


@register_app.command("export")
def export_command(out: Annotated[Path, typer.Argument(help="File to write (JSON lines).", show_default=False)], url: Url = _DEFAULT) -> None:
    """Write the whole register to one file."""
    from scoring.register import export_register

    with _opened(url) as register:
        head = export_register(register, out)
    typer.echo(f"{out}: {head.sequence} events, head {head}")


@register_app.command("import")
def import_command(file: Annotated[Path, typer.Argument(help="File that `export` wrote.", show_default=False)], url: Url = _DEFAULT) -> None:
    """Read a whole register into an empty one; the trail is verified first."""
    from scoring.register import import_register

    with _opened(url, make=True) as register:
        head = import_register(register, file)
        typer.echo(f"{register.described}: {head.sequence} events, head {head}")


@register_app.command("records")
def records_command(
    out: Annotated[Path, typer.Argument(help="File to write (.xlsx or .csv).", show_default=False)],
    url: Url = _DEFAULT,
    lang: Annotated[Language, typer.Option(help="Language.")] = Language.EN,
) -> None:
    """Write the records of processing activities (GDPR art. 30) as a sheet."""
    from scoring.provenance import write_file
    from scoring.register.art30 import records_of_processing

    kind = out.suffix.lower().removeprefix(".")
    if kind not in {"xlsx", "csv"}:
        raise EquiscoreError(f"{out}: the records are a sheet. Fix: let the name end in .xlsx or .csv.")
    with _opened(url) as register:
        content = records_of_processing(register, lang.value, kind)
    write_file(out, content, restricted=True)
    typer.echo(str(out))
