"""The command `equiscore`: one subcommand is one call. Text for people goes to standard error; results to standard output.

Exit codes: 0 all shown within tolerance, 1 exclusion shown, 3 not settled, 2 input refused, 70 a fault of ours.
"""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scoring._version import __version__
from scoring.commands.dossier import dossier_command, review_app, sign_command, verify_command
from scoring.commands.law import law_app
from scoring.commands.monitoring import app as monitor_app
from scoring.commands.options import Json, Language, Quiet
from scoring.commands.register import register_app
from scoring.errors import EquiscoreError
from scoring.progress import rows_bar, steps

if TYPE_CHECKING:
    from scoring.activity import ProcessingActivity
    from scoring.further import FurtherTables

app = typer.Typer(
    name="equiscore",
    help="Score customers, see whom the scoring shuts out and how sure one can be, and write the dossier.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
activity_app = typer.Typer(help="Write and check declarations (activity.yaml).", no_args_is_help=True)
app.add_typer(activity_app, name="activity")
app.add_typer(law_app, name="law")
app.add_typer(register_app, name="register")
app.add_typer(review_app, name="review")
app.add_typer(monitor_app, name="monitor")
app.command("dossier")(dossier_command)
app.command("sign")(sign_command)
app.command("verify")(verify_command)

REFUSED, OURS = 2, 70
_MISUSED: type[Exception] = typer.BadParameter.__mro__[1]
"""What Typer raises of words that it cannot read; it has no public name there."""


class LearnFrom(StrEnum):
    """What candidates of a search learn: what came true, or the decisions taken."""

    OUTCOME = "outcome"
    DECISION = "decision"


def main() -> None:
    """Run the command; a refused input is one clear message, a fault of ours says so."""
    try:
        sys.exit(app(standalone_mode=False, prog_name="equiscore") or 0)
    except EquiscoreError as error:
        typer.echo(f"equiscore: {error}", err=True)
        sys.exit(REFUSED)
    except (KeyboardInterrupt, typer.Abort):
        sys.exit(130)
    except _MISUSED as error:
        typer.echo(_misused(error), err=True)
        sys.exit(REFUSED)
    except Exception as error:  # noqa: BLE001  (the last resort: a person must not be left with a traceback alone)
        import traceback

        traceback.print_exc()
        typer.echo(f"equiscore: a fault of ours ({type(error).__name__}). Fix: please report it with the lines above.", err=True)
        sys.exit(OURS)


def _misused(error: Any) -> str:
    """Say in one message what was typed wrong; a command alone is answered by its help."""
    said = error.format_message().replace("Value error, ", "").rstrip(".")
    where = error.ctx.command_path if error.ctx else "equiscore"
    return said if "\n" in said else f"equiscore: {said}. Fix: `{where} --help` says what may be given."


def _version(*, asked: bool) -> None:
    if asked:
        typer.echo(f"equiscore {__version__}")
        raise typer.Exit


@app.callback()
def options(version: Annotated[bool, typer.Option("--version", callback=lambda asked: _version(asked=asked), is_eager=True)] = False) -> None:
    """Score customers, see whom the scoring shuts out and how sure one can be, and write the dossier."""


@app.command("study")
def study_command(
    activity: Annotated[Path, typer.Argument(help="The declaration (activity.yaml).", show_default=False)],
    data: Annotated[Path | None, typer.Option(help="Customer file or folder, instead of the declared source.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the study.  [default: studies/NAME]")] = None,
    scores: Annotated[Path | None, typer.Option(help="Also write each person's score, decision, segment and offer (Parquet, pseudonyms).")] = None,
    rejects: Annotated[Path | None, typer.Option(help="Also list the rows that break the contract (CSV or Parquet, pseudonyms).")] = None,
    why: Annotated[bool, typer.Option("--why", help="Also ask what drives the gaps in the score, and which features stand for a group.")] = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Study the scoring that a declaration describes; exit 1 if exclusion is shown, 3 if anything is not settled."""
    from scoring.reading import plain_verdicts
    from scoring.study import conduct_study

    declared = _declared(activity, data)
    with steps(quiet=quiet or as_json) as step:
        study = conduct_study(declared, scores_to=scores, rejects_to=rejects, why=why, step=step)
        step("Judging")
        shown = study.published()
        judged = shown.judged()
    place = study.save(out or Path("studies") / activity.resolve().parent.name)
    if as_json:
        typer.echo(json.dumps({"study": str(place), "exit_code": study.exit_code(), "verdicts": plain_verdicts(shown)}, ensure_ascii=False))
    elif not quiet:
        _show(shown, judged)
        _say(f"\nStudy: {place}   (working counts: restricted like the customer file)")
    raise typer.Exit(study.exit_code())


def _declared(path: Path, data: Path | None) -> ProcessingActivity:
    """Read a declaration; `data` stands in the place of its source."""
    from scoring.activity import ProcessingActivity
    from scoring.plan import Source

    declared = ProcessingActivity.read(path)
    if data is None:
        return declared
    source = (declared.study.source or Source(path=data)).model_copy(update={"path": data, "url": None, "table": None})
    return declared.model_copy(update={"study": declared.study.model_copy(update={"source": source})})


@app.command("alternatives")
def alternatives_command(
    activity: Annotated[Path, typer.Argument(help="The declaration (activity.yaml).", show_default=False)],
    data: Annotated[Path | None, typer.Option(help="Customer file or folder, instead of the declared source.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the study.  [default: studies/NAME]")] = None,
    feature: Annotated[list[str] | None, typer.Option(help="A column that candidates may see, again for each.  [default: role feature]")] = None,
    family: Annotated[list[str] | None, typer.Option(help="A family of candidates, again for each.  [default: all]")] = None,
    learn_from: Annotated[LearnFrom, typer.Option(help="What candidates learn.")] = LearnFrom.OUTCOME,
    budget: Annotated[float | None, typer.Option(min=0, help="Minutes after which nothing new is begun.")] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Processes.")] = 2,
    log: Annotated[Path | None, typer.Option(help="Log of the search: what is in it is not tried again.")] = None,
    lang: Annotated[Language, typer.Option(help="Language.")] = Language.EN,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Study a scoring and search for ways to score that exclude less; everything tried is kept with the study."""
    from scoring.alternatives import Asked
    from scoring.inquiry.alternatives.candidates import FAMILIES
    from scoring.study import conduct_study

    declared = _declared(activity, data)
    if other := [name for name in family or () if name not in FAMILIES]:
        raise EquiscoreError(f"No family of candidates {', '.join(map(repr, other))}. Fix: use one of {', '.join(FAMILIES)}.")
    asked = Asked(
        learn_from=learn_from.value,
        features=tuple(feature) if feature else None,
        families=tuple(family or FAMILIES),
        n_jobs=jobs,
        budget_minutes=budget,
    )
    with steps(quiet=quiet or as_json) as step:
        study = conduct_study(declared, alternatives=asked, alternatives_log=log, step=step)
    place = study.save(out or Path("studies") / activity.resolve().parent.name)
    if as_json:
        rows = study.alternatives()
        typer.echo(json.dumps({"study": str(place), "alternatives": json.loads(rows.to_json(orient="records"))}, ensure_ascii=False))
    elif not quiet:
        _say("\n\n".join(study.alternatives_findings(lang.value)))
        _say(f"\nStudy: {place}   (working counts: restricted like the customer file)")


@app.command("score")
def score_command(
    activity: Annotated[Path, typer.Argument(help="The declaration (activity.yaml).", show_default=False)],
    data: Annotated[Path, typer.Option(help="Customer file or folder to score.", show_default=False)],
    out: Annotated[Path, typer.Option(help="File to write (.parquet or .csv): a row a person, under pseudonyms.", show_default=False)],
    model: Annotated[Path | None, typer.Option(help="Folder of a study, or a model file.  [default: trained as declared]")] = None,
    cutoff: Annotated[float | None, typer.Option(help="Cut-off in units of the score, instead of the study's.")] = None,
    rejects: Annotated[Path | None, typer.Option(help="Also list the rows that are not scored (CSV or Parquet, pseudonyms).")] = None,
    switch: Annotated[Path | None, typer.Option(help="Stop switch (`equiscore monitor stop`): a score that is stopped scores nobody.")] = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Score a file of any size by the model of a study: score, decision, segment and offer of each person."""
    from dataclasses import asdict

    from scoring.activity import ProcessingActivity
    from scoring.serving.score_files import score_file

    declared = ProcessingActivity.read(activity)
    with rows_bar(quiet=quiet or as_json) as step:
        tally = score_file(declared, data, out, model=model, cutoff=cutoff, rejects_to=rejects, switch=switch, step=step)
    if as_json:
        typer.echo(json.dumps({"out": str(out), **asdict(tally)}, ensure_ascii=False))
    elif not quiet:
        lost = sum(tally.rejected.values())
        _say(f"{tally.rows:,} rows: {tally.scored:,} scored, {tally.unscored:,} without a score, {lost:,} rejected")
        for reason, n in tally.rejected.items():
            _say(f"  {reason} ({n:,})")
        cut = "" if tally.cutoff is None else f"; {tally.favoured:,} reach the cut-off {tally.cutoff:g}"
        _say(f"Score: {tally.model}{cut}")
        typer.echo(str(out))


@app.command("explain")
def explain_command(
    study: Annotated[Path, typer.Argument(help="Folder of a study that trained its score.", show_default=False)],
    data: Annotated[Path, typer.Option(help="Customer file that the person is in.", show_default=False)],
    row: Annotated[int | None, typer.Option(help="Number of the person's row, from 1.")] = None,
    identifier: Annotated[str | None, typer.Option("--id", help="The person's identifier, instead of the row.")] = None,
    lang: Annotated[Language, typer.Option(help="Language.")] = Language.EN,
    out: Annotated[Path | None, typer.Option(help="File to write (.html or .md).  [default: print Markdown]")] = None,
) -> None:
    """Write the sheet that tells one person how their score was worked out (GDPR art. 15(1)(h))."""
    from scoring.explanations import explain_person
    from scoring.explanations.person import person_in
    from scoring.provenance import write_file
    from scoring.storage import estimator_of
    from scoring.study import Study

    held = Study.load(study)
    person, others = person_in(held.plan, data, row=row, identifier=identifier)
    sheet = explain_person(held, person, estimator=estimator_of(study), background=others, language=lang.value)
    if out is None:
        typer.echo(sheet.to_markdown())
        return
    if out.suffix not in {".html", ".md"}:
        raise EquiscoreError(f"{out}: a sheet is HTML or Markdown. Fix: let the name end in .html or .md.")
    write_file(out, (sheet.to_html() if out.suffix == ".html" else sheet.to_markdown()).encode())
    typer.echo(str(out))


@app.command("dashboard")
def dashboard_command(
    studies: Annotated[Path, typer.Argument(help="Folder that holds studies.")] = Path("studies"),
    port: Annotated[int, typer.Option(help="Port on this machine.")] = 8501,
    headless: Annotated[bool, typer.Option(help="Do not open a browser.")] = False,
) -> None:
    """Open the dashboard on the studies of a folder."""
    from scoring.launch import launch

    raise typer.Exit(launch(studies, port=port, headless=headless))


@app.command("sample")
def sample_command(
    name: Annotated[str | None, typer.Argument(help="credit (real) or instalments (made); none lists them.", show_default=False)] = None,
    out: Annotated[Path | None, typer.Option(help="Folder to make.  [default: ./NAME]")] = None,
    quiet: Quiet = False,
) -> None:
    """Copy a sample: declaration, datasheet and customers."""
    from scoring.samples import copy_sample, samples

    if name is None:
        typer.echo("\n".join(f"{sample}: {line}" for sample, line in samples().items()))
        return
    with steps(quiet=quiet) as step:
        step(f"Making {name}")
        place = copy_sample(name, out or Path(name))
    typer.echo(str(place))


@activity_app.command("new")
def activity_new(path: Annotated[Path, typer.Argument(help="File to write.")] = Path("activity.yaml")) -> None:
    """Write a commented declaration to start from."""
    from scoring.activity import template
    from scoring.provenance import write_file

    if path.exists():
        raise EquiscoreError(f"{path}: is there already. Fix: choose another name.")
    write_file(path, template().encode())
    typer.echo(str(path))


@activity_app.command("check")
def activity_check(path: Annotated[Path, typer.Argument(help="The declaration.", show_default=False)], quiet: Quiet = False) -> None:
    """Read a declaration and report every fault at once."""
    from scoring.activity import ProcessingActivity
    from scoring.fairness.metrics import known

    activity = ProcessingActivity.read(path)
    known(activity.study.primary)
    if not quiet:
        typer.echo(f"{path}: {activity.reference} can be studied: groups {', '.join(activity.study.groups)}.")


@activity_app.command("schema")
def activity_schema() -> None:
    """Print the JSON Schema of a declaration, for editors."""
    from scoring.activity import json_schema

    typer.echo(json_schema(), nl=False)


def _say(text: str) -> None:
    typer.echo(text, err=True)


def _show(tables: FurtherTables, judged: Any) -> None:
    """Print the groups as a table for people, the headline, and what turns round within strata."""
    from rich import box
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from scoring.display import reversals_of
    from scoring.fairness.narrative import headline, who
    from scoring.texts import number, say

    console = Console(stderr=True)
    main = judged[(judged["metric"] == tables.plan.primary)]
    shown = main[(main["depth"] == 1) | ((main["verdict"] == "exclusion") & (main["under"].fillna("") == ""))]
    listed = Table(box=box.SIMPLE_HEAD, title=f"{tables.plan.primary}, tolerance {tables.plan.bounds.tolerance:g}, against: {tables.plan.reference}")
    for name, side in (
        ("group", "left"),
        ("hits/people", "right"),
        ("rate", "right"),
        ("ratio", "right"),
        ("interval", "right"),
        ("verdict", "left"),
    ):
        listed.add_column(name, justify=side)  # type: ignore[arg-type]  # left and right
    for row in shown.to_dict("records"):
        limits = f"{number(row['ratio_low'], 'ratio', 'en')}-{number(row['ratio_high'], 'ratio', 'en')}"
        rate, ratio = number(row["value"], "percent", "en"), number(row["ratio"], "ratio", "en")
        group = escape(who({str(k): v for k, v in row.items()}, "en", tables.titles))
        style = {"exclusion": "bold red", "leaning": "yellow"}.get(row["verdict"], "")
        verdict = f"[{style}]{say('verdict.' + row['verdict'], 'en')}[/]" if style else say("verdict." + row["verdict"], "en")
        listed.add_row(group, f"{row['hits']:,.0f}/{row['trials']:,.0f}", rate, ratio, limits, verdict)
    console.print(listed)
    for line in [*headline(judged, "en", tables.plan.primary), *reversals_of(tables)]:
        console.print(escape(line), highlight=False)


if __name__ == "__main__":
    main()
