"""The command `equiscore monitor`: what follows launch. The clock is read here and nowhere below.

Exit codes: 1 a trigger fired (or the score is stopped), 3 something is not measurable, 0 otherwise, which is no clearance.
"""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scoring.commands.options import Lang, Language
from scoring.errors import EquiscoreError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scoring.monitoring.comparison import Comparison
    from scoring.monitoring.schedule import Schedule
    from scoring.monitoring.switch import SwitchEvent
    from scoring.monitoring.triggers import Trigger

app = typer.Typer(help="After launch: study again on a schedule, compare with the signed study, stop the score.", no_args_is_help=True)


class Shared(StrEnum):
    """Whether a customer may be in both files."""

    NONE = "none"
    UNKNOWN = "unknown"


Today = Annotated[str | None, typer.Option(help="The day that counts as today, such as 2026-07-01.  [default: today]")]
Planned = Annotated[Path, typer.Argument(help="The schedule (schedule.yaml).", show_default=False)]
Switch = Annotated[Path, typer.Argument(help="The stop switch (a JSON file).", show_default=False)]
By = Annotated[str, typer.Option("--by", help="Who.", show_default=False)]
Why = Annotated[str, typer.Option("--why", help="For what reason.", show_default=False)]


@app.command("new")
def new_command(path: Annotated[Path, typer.Argument(help="File to write.")] = Path("schedule.yaml")) -> None:
    """Write a commented schedule to start from."""
    from scoring.monitoring.schedule import template
    from scoring.provenance import write_file

    if path.exists():
        raise EquiscoreError(f"{path}: is there already. Fix: choose another name.")
    write_file(path, template().encode())
    typer.echo(str(path))


@app.command("run")
def run_command(
    schedule: Planned,
    today: Today = None,
    lang: Lang = Language.EN,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Make the studies that are due, compare each with the signed one, and say what fired."""
    from scoring.monitoring.running import done, kept, look, signed_study, to_do
    from scoring.monitoring.schedule import Schedule
    from scoring.monitoring.triggers import conclude
    from scoring.texts import say

    planned, now = Schedule.read(schedule), _today(today)
    days, missed = to_do(planned, done(planned), now)
    if missed:
        _tell(say("monitoring.missed", lang.value, days=", ".join(day.isoformat() for day in missed)))
    if not days:
        _tell(_nothing_due(planned, now, lang.value))
        raise typer.Exit(0)
    signed, codes = signed_study(planned), []
    for day in days:
        found = look(planned, day, signed)
        codes.append(conclude(found.triggers).exit_code)
        if as_json:
            typer.echo(json.dumps({"study": str(found.place), **kept(found.comparison, found.triggers, planned, day)}, ensure_ascii=False))
        else:
            _tell(f"{day.isoformat()}   {found.place}")
            _print(found.comparison, found.triggers, lang.value)
    raise typer.Exit(1 if 1 in codes else max(codes))


@app.command("compare")
def compare_command(
    signed: Annotated[Path, typer.Argument(help="Folder of the signed study.", show_default=False)],
    new: Annotated[Path, typer.Argument(help="Folder of the new study.", show_default=False)],
    shared: Annotated[Shared, typer.Option(help="none: no customer is in both files; unknown: then no change has an interval.")] = Shared.UNKNOWN,
    schedule: Annotated[Path | None, typer.Option(help="A schedule, for its thresholds.  [default: the usual ones]")] = None,
    out: Annotated[Path | None, typer.Option(help="File for the comparison as JSON.")] = None,
    lang: Lang = Language.EN,
) -> None:
    """Hold a study against the signed one, and say what fired."""
    from scoring.monitoring.comparison import compare
    from scoring.monitoring.running import kept
    from scoring.monitoring.schedule import Schedule, Thresholds
    from scoring.monitoring.triggers import conclude, triggers
    from scoring.provenance import canonical, write_file
    from scoring.study import Study

    planned = None if schedule is None else Schedule.read(schedule)
    held = compare(Study.load(signed), Study.load(new), shared=shared.value)
    found = triggers(held, Thresholds() if planned is None else planned.triggers)
    if out is not None:
        write_file(out, canonical(kept(held, found, planned), sort=False), restricted=True)
    _print(held, found, lang.value)
    raise typer.Exit(conclude(found).exit_code)


@app.command("stop")
def stop_command(switch: Switch, by: By, why: Why) -> None:
    """Stop the score: nobody is scored until it is resumed."""
    from scoring.monitoring.switch import stop

    _echo(stop(switch, by=by, why=why, at=_now()), "en")


@app.command("resume")
def resume_command(switch: Switch, by: By, why: Why) -> None:
    """Put a stopped score back in use, or a new one in use for the first time."""
    from scoring.monitoring.switch import resume

    _echo(resume(switch, by=by, why=why, at=_now()), "en")


@app.command("status")
def status_command(schedule: Planned, today: Today = None, lang: Lang = Language.EN) -> None:
    """Say which studies are due, and whether the score is in use; exit 1 where it is stopped, or nothing says that it may be used."""
    from scoring.monitoring.running import done, to_do
    from scoring.monitoring.schedule import Schedule
    from scoring.monitoring.switch import StoppedError, history, refuse_if_stopped

    planned, now = Schedule.read(schedule), _today(today)
    days, missed = to_do(planned, done(planned), now)
    for day, word in [*((day, "missed") for day in missed), *((day, "due") for day in days)]:
        typer.echo(f"{day.isoformat()}\t{word}")
    if not days:
        typer.echo(_nothing_due(planned, now, lang.value))
    try:
        for event in history(planned.stop):
            _echo(event, lang.value)
        refuse_if_stopped(planned.stop)
    except StoppedError as error:
        typer.echo(f"equiscore: {error}", err=True)
        raise typer.Exit(1) from None


def _today(text: str | None) -> date:
    from scoring.monitoring.running import check_day

    return datetime.now(UTC).astimezone().date() if text is None else check_day(text)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _nothing_due(planned: Schedule, now: date, language: str) -> str:
    from scoring.monitoring.schedule import following_day
    from scoring.texts import say

    following = following_day(planned, now)
    return say("monitoring.nothing_due_ever", language) if following is None else say("monitoring.nothing_due", language, day=following.isoformat())


def _print(held: Comparison, found: Sequence[Trigger], language: str) -> None:
    """Print the result, what differs, and what fired or is not measurable."""
    from scoring.monitoring.triggers import sentences
    from scoring.monitoring.wording import changes

    first, *others = sentences(held, found, language)
    for line in (first, *changes(held, language), *others):
        typer.echo(_plain(line))


def _echo(event: SwitchEvent, language: str) -> None:
    from scoring.texts import say

    typer.echo(_plain(say(f"monitoring.{event.what}_by", language, at=event.at, by=event.by, why=event.why)))


def _tell(text: str) -> None:
    typer.echo(_plain(text), err=True)


def _plain(text: str) -> str:
    """Return words without what would steer a terminal; the narrow blank of French stays."""
    return "".join(letter if letter.isprintable() or letter in {"\u202f", "\u00a0"} else "?" for letter in text)
