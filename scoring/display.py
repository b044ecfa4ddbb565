"""How a study shows itself in a notebook: the headline, who is excluded, and the table, from published tables alone."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from io import BytesIO
from typing import Any

from scoring.fairness.narrative import headline, who
from scoring.fairness.verdicts import records
from scoring.further import FurtherTables
from scoring.texts import number, say
from scoring.vocabulary import Role, Verdict

_MARKS = {
    Verdict.EXCLUSION: ("■", "#b3382c"),
    Verdict.LEANING: ("◆", "#9a6700"),
    Verdict.UNDETERMINED: ("◇", "#57606a"),
    Verdict.NOT_APPLICABLE: ("–", "#57606a"),
    Verdict.WITHIN_TOLERANCE: ("○", "#24507a"),
}
_MOST = 40


def study_html(tables: FurtherTables, language: str = "en") -> str:
    """Return a study as a piece of HTML: what must be known first, then the groups; text from data is escaped."""
    rows = tables.judged()
    first = rows[rows["metric"] == tables.plan.primary]
    shown = first[(first["depth"] == 1) | ((first["verdict"] == Verdict.EXCLUSION) & (first["under"].fillna("") == ""))]
    told = [*headline(rows, language, tables.plan.primary), *reversals_of(tables, language)]
    lines = "".join(f"<li>{escape(line)}</li>" for line in told)
    body = "".join(_row(row, tables, language) for row in records(shown.head(_MOST)))
    names = "".join(f"<th style='text-align:{side}'>{escape(say(f'display.{name}', language))}</th>" for name, side in _COLUMNS)
    people, groups = tables.counts.total, len(tables.counts.attributes)
    caption = say(
        "display.caption", language, people=people, rejected=int(tables.rejects().sum()), groups=groups, tolerance=tables.plan.bounds.tolerance
    )
    more = say("display.more", language, rows=len(rows)) if len(rows) > min(len(shown), _MOST) else ""
    return (
        f"<div><p><strong>{escape(caption)}</strong></p><ul>{lines}</ul>"
        f"<table><thead><tr>{names}</tr></thead><tbody>{body}</tbody></table><p>{escape(more)}</p></div>"
    )


def reversals_of(tables: FurtherTables, language: str = "en") -> list[str]:
    """Return a line for each published group whose ratio is shown to turn round within declared strata, by the primary metric."""
    if not tables.plan.with_role(Role.STRATUM):
        return []
    rows = tables.conditional(metrics=[tables.plan.primary])
    turned = rows[rows["simpson_shown"].eq(True)]
    titles = tables.titles
    return [
        say(
            "display.reversal",
            language,
            who=who(row, language, titles),
            by=row["stratified_by"],
            ratio=row["ratio"],
            pooled_ratio=row["pooled_ratio"],
        )
        for row in records(turned)
    ]


_COLUMNS = (
    ("group", "left"),
    ("counts", "right"),
    ("rate", "right"),
    ("reference_rate", "right"),
    ("ratio", "right"),
    ("interval", "right"),
    ("verdict", "left"),
)


@dataclass(frozen=True, slots=True)
class Drawing:
    """A plot that a notebook shows by itself; `axes` and `figure` are matplotlib's."""

    axes: Any

    @property
    def figure(self) -> Any:
        """The figure, to be saved or changed."""
        return self.axes.figure

    def _repr_png_(self) -> bytes:
        held = BytesIO()
        self.figure.savefig(held, format="png", dpi=120, bbox_inches="tight")
        return held.getvalue()


def _row(row: dict[str, Any], tables: FurtherTables, language: str) -> str:
    mark, colour = _MARKS[Verdict(row["verdict"])]
    limits = f"{number(row['ratio_low'], 'ratio', language)} – {number(row['ratio_high'], 'ratio', language)}"
    cells = (
        f"{number(row['hits'], 'count', language)} / {number(row['trials'], 'count', language)}",
        number(row["value"], "percent", language),
        number(row["reference_value"], "percent", language),
        number(row["ratio"], "ratio", language),
        limits,
    )
    said = escape(say(f"verdict.{row['verdict']}", language))
    return (
        f"<tr><td style='text-align:left'>{escape(who(row, language, tables.titles))}</td>"
        + "".join(f"<td style='text-align:right'>{escape(cell)}</td>" for cell in cells)
        + f"<td style='text-align:left;color:{colour}'>{mark} {said}</td></tr>"
    )
