"""The commands from a study to a signed dossier: `dossier`, `review`, `sign`, `verify`. The clock and who acts come in here only."""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scoring.commands.options import Json, Lang, Language, Quiet, RegisterUrl, kept_register, needed_register
from scoring.errors import EquiscoreError
from scoring.progress import steps

if TYPE_CHECKING:
    from scoring.study import Study

REFUSED = 2
review_app = typer.Typer(help="Review a study: hand it in, approve or refuse it, see where it stands.", no_args_is_help=True)


class Format(StrEnum):
    """The formats of a dossier."""

    HTML = "html"
    PDF = "pdf"
    DOCX = "docx"
    MD = "md"
    XLSX = "xlsx"
    PIA = "pia"
    ZIP = "zip"


class Decision(StrEnum):
    """What a reviewer decides."""

    APPROVE = "approve"
    RESERVATIONS = "approve_with_reservations"
    REFUSE = "refuse"


SUFFIX = {Format.PIA: "pia.json"}
"""Where the end of a file's name is not the format's."""
StudyFolder = Annotated[Path, typer.Argument(help="Folder of a study.", show_default=False)]
By = Annotated[str, typer.Option(help="Who, by the name in review.signers or among the authors.", show_default=False)]


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def dossier_command(
    study: StudyFolder,
    lang: Lang = Language.EN,
    format_: Annotated[Format, typer.Option("--format", help="Format; zip is the package for the authority.")] = Format.HTML,
    out: Annotated[Path | None, typer.Option(help="File.  [default: dossiers/NAME.LANG.FORMAT]")] = None,
    register: RegisterUrl = None,
    quiet: Quiet = False,
) -> None:
    """Write the dossier of a study, from published tables alone; what people recorded comes from the register, where one is named."""
    from scoring.dossier import render
    from scoring.provenance import write_file
    from scoring.study import Study

    with steps(quiet=quiet) as step:
        step("Checking the study")
        held = Study.load(study)
        record = _record(register, held, study) if held.document else {}
        step("Writing the dossier")
        content = render(held, lang.value, format_.value, record)
    place = out or Path("dossiers") / f"{study.resolve().name}.{lang.value}.{SUFFIX.get(format_, format_.value)}"
    write_file(place, content)
    typer.echo(str(place))


def _record(url: str | None, study: Study, folder: Path) -> Mapping[str, Any]:
    """Return what the dossier is told beside the study: the register's record, or the digests of the study's files alone."""
    from scoring.authorising import filed_study, record_of
    from scoring.provenance import read_manifest
    from scoring.register import open_register

    held = filed_study(study, read_manifest(folder))
    if url is None:
        return {"studies": [{"digest": held.digest, "files": dict(held.files)}]}
    with open_register(kept_register(url)) as register:
        return record_of(register, held)


@review_app.command("submit")
def submit_command(
    study: StudyFolder,
    by: By,
    author: Annotated[list[str] | None, typer.Option(help="Who made the study, again for each.  [default: who submits]")] = None,
    register: RegisterUrl = None,
) -> None:
    """Hand a study in for review; its activity, findings and gaps are entered in the register."""
    from scoring.authorising import enter_study, filed_study, submit_study
    from scoring.provenance import read_manifest
    from scoring.register import open_register
    from scoring.study import Study

    loaded = Study.load(study)
    with open_register(needed_register(register)) as held:
        enter_study(held, loaded, actor=by, at=_now())
        review = submit_study(held, filed_study(loaded, read_manifest(study)), by=by, authors=author or (), at=_now())
    typer.echo(f"{study}: {review.state}; waiting for {', '.join(review.waiting_for)}")


@review_app.command("give")
def give_command(
    study: StudyFolder,
    by: By,
    decision: Annotated[Decision, typer.Option(help="Decision.", show_default=False)],
    text: Annotated[str, typer.Option(help="Why, in words.", show_default=False)],
    register: RegisterUrl = None,
) -> None:
    """Give an opinion on a study that was handed in; nobody gives one on their own work."""
    from scoring.authorising import filed, give_opinion
    from scoring.register import open_register
    from scoring.signing.review import Decision as Given

    with open_register(kept_register(register)) as held:
        review = give_opinion(held, filed(study), by=by, decision=Given(decision.value), text=text, at=_now())
    waiting = f"; waiting for {', '.join(review.waiting_for)}" if review.waiting_for else f"; outcome: {review.outcome}"
    typer.echo(f"{study}: {review.state}{waiting}")


@review_app.command("withdraw")
def withdraw_command(study: StudyFolder, by: By, register: RegisterUrl = None) -> None:
    """Take a study back while its review runs; opinions given so far no longer count."""
    from scoring.authorising import filed, withdraw_study
    from scoring.register import open_register

    with open_register(kept_register(register)) as held:
        review = withdraw_study(held, filed(study), by=by, at=_now())
    typer.echo(f"{study}: {review.state}")


@review_app.command("show")
def show_command(study: StudyFolder, lang: Lang = Language.EN, register: RegisterUrl = None, as_json: Json = False) -> None:
    """Say where the review of a study stands, and which sign-offs do not cover it."""
    from scoring.authorising import filed, standing
    from scoring.register import open_register
    from scoring.signing.kept_reviews import to_mapping
    from scoring.texts import say

    with open_register(kept_register(register)) as held:
        review, found = standing(held, filed(study))
    state = review.state if review else "draft"
    if as_json:
        told = {"state": state, "review": to_mapping(review) if review else None, "findings": [one.say(lang.value) for one in found]}
        typer.echo(json.dumps(told, ensure_ascii=False))
        return
    typer.echo("\n".join([f"{study}: {say(f'signatures.state_{state}', lang.value)}", *(one.say(lang.value) for one in found)]))


def sign_command(
    pdf: Annotated[Path, typer.Argument(help="Dossier as PDF.", show_default=False)],
    study: Annotated[Path, typer.Option(help="Folder of the study.", show_default=False)],
    by: By,
    key: Annotated[Path | None, typer.Option(help="Key and certificate in a PKCS#12 file; EQUISCORE_PASSPHRASE holds its passphrase.")] = None,
    token: Annotated[Path | None, typer.Option(help="PKCS#11 module of a token, instead of --key; EQUISCORE_PIN holds the PIN.")] = None,
    certificate: Annotated[str | None, typer.Option(help="Label of the certificate on the token.")] = None,
    reason: Annotated[str, typer.Option(help="What is signed for.")] = "I have read this dossier and sign it.",
    timestamp: Annotated[str | None, typer.Option(help="Address of a timestamp authority (RFC 3161); nothing else uses the network.")] = None,
    out: Annotated[Path | None, typer.Option(help="File to write.  [default: the dossier itself]")] = None,
    register: RegisterUrl = None,
) -> None:
    """Sign a reviewed dossier (PAdES); the signers of the declaration sign the same file in turn."""
    from scoring.authorising import filed, sign_dossier
    from scoring.register import open_register

    with open_register(kept_register(register)) as held:
        made = sign_dossier(held, filed(study), pdf, _key(key, token, certificate), name=by, reason=reason, at=_now(), timestamper=timestamp, out=out)
    typer.echo(f"{out or pdf}: signed by {by}, SHA-256 {made.signature.sha256}")


def _key(path: Path | None, module: Path | None, certificate: str | None) -> Any:
    from scoring.signing.certificates import Pkcs11, Pkcs12

    if path is not None and module is None:
        return Pkcs12(path, os.environ.get("EQUISCORE_PASSPHRASE", ""))
    if module is not None and certificate is not None and path is None:
        return Pkcs11(module, certificate, pin=os.environ.get("EQUISCORE_PIN"))
    raise EquiscoreError("No key, or two. Fix: give --key FILE.p12, or --token MODULE with --certificate LABEL.")


def verify_command(
    what: Annotated[Path, typer.Argument(help="Folder of a study, a signed dossier (.pdf) or a package (.zip).", show_default=False)],
    study: Annotated[Path | None, typer.Option(help="Of a dossier: the study as it is now.  [default: the last one in the register]")] = None,
    register: RegisterUrl = None,
    lang: Lang = Language.EN,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Hold a study, a signed dossier or a package against what it should be, and say in plain words where it differs."""
    from scoring.texts import say

    suffix, signed = what.suffix.lower(), what.suffix.lower() == ".pdf"
    if signed:
        told = _verified(what, study, kept_register(register), lang, quiet=quiet or as_json)
    elif suffix == ".zip":
        told = _package(what)
    else:
        told = _folder(what)
    if as_json:
        typer.echo(json.dumps(told, ensure_ascii=False))
    elif told["faults"]:
        first = say("commands.not_in_order" if signed else "commands.not_as_written", lang.value, what=what)
        fix = say("commands.ask_again_or_sign" if signed else "commands.ask_again", lang.value)
        raise EquiscoreError("\n  ".join([first, *told["faults"]]) + f"\nFix: {fix}")
    elif not quiet:
        typer.echo("\n".join([say("commands.as_written", lang.value, what=what, said=told["said"]), *told.get("notes", ())]))
    raise typer.Exit(REFUSED if told["faults"] else 0)


def _verified(pdf: Path, study: Path | None, url: str, lang: Language, *, quiet: bool) -> dict[str, Any]:
    from scoring.authorising import filed, verify_dossier
    from scoring.register import open_register

    with open_register(url) as held, steps(quiet=quiet) as step:
        step("Verifying signatures, study and register")
        found = verify_dossier(pdf, held, study=filed(study) if study else None, at=_now())
    faults = [one.say(lang.value) for one in found.file.faults] + [one.said(lang.value) for one in found.register]
    codes = sorted({one.code for one in found.file.faults} | {one.code for one in found.register})
    said = "" if faults else found.file.sentences(lang.value)[0]
    return {"file": str(pdf), "faults": faults, "codes": codes, "said": said, "notes": [one.say(lang.value) for one in found.file.notes]}


def _package(path: Path) -> dict[str, Any]:
    from scoring.dossier.package import check_package, manifest_of

    try:
        data = path.read_bytes()
    except OSError as error:
        raise EquiscoreError(f"{path}: cannot be read ({error.strerror}). Fix: give a file that is there.") from error
    faults = check_package(data)
    return {"file": str(path), "faults": faults, "said": "" if faults else f"Study {manifest_of(data)['digest']}"}


def _folder(study: Path) -> dict[str, Any]:
    from scoring.provenance import faults_of, read_manifest

    faults, digest = faults_of(study), read_manifest(study).get("digest")
    return {"study": str(study), "faults": faults, "digest": digest, "said": f"Digest {digest}"}
