"""Charts: rows in, drawing out. They work nothing out, and each comes with a description for those who cannot see it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd
import parts
import session
import streamlit as st

from scoring.fairness.verdicts import records

LARGEST_RATIO = 2.5
"""Where the axis of ratios ends: beyond it a group is far better off, and the numbers stand beside."""
STEP, AROUND = 42, 84
"""Height of a line; of axis and captions together."""
_INK, _SOFT = "#1D2733", "#6B7480"
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#1D2733", "#8C6D1F")
"""Okabe and Ito 2008, yellow darkened: it must be seen on white."""
_DASHES = ([1, 0], [7, 3], [2, 3], [10, 3, 2, 3], [1, 0], [7, 3], [2, 3], [10, 3, 2, 3])
MOST_LINES = len(_COLOURS)


def forest(rows: pd.DataFrame, *, tolerance: float, labels: Sequence[str], key: str) -> None:
    """Draw a ratio with its interval a line, against the tolerance, under the name of the group.

    Parameters
    ----------
    rows
        ratio, ratio_low, ratio_high, and verdict where there is one; in the order in which they are drawn.
    tolerance
        The smallest tolerated ratio.
    labels
        What each line is called.
    key
        Of the element.
    """
    data = pd.DataFrame([_line(i, label, row) for i, (label, row) in enumerate(zip(labels, records(rows), strict=True))])
    end = min(max([1.25, *data["high"].dropna(), *data["ratio"].dropna()]), LARGEST_RATIO)
    scale = alt.Scale(domain=[0, end], clamp=True, nice=False)
    axis = alt.Axis(title=parts.t("axis_ratio"), labelExpr=_decimals(), tickCount=6, grid=True, titleColor=_SOFT)

    def x(field: str) -> alt.X:
        return alt.X(f"{field}:Q", scale=scale, axis=axis)

    base = alt.Chart(data).encode(y=alt.Y("place:O", axis=None))
    seen = base.transform_filter("isValid(datum.ratio)")
    colour, shape = alt.Color("colour:N", scale=None), alt.Shape("shape:N", scale=None)
    tooltip = [alt.Tooltip("label:N", title=parts.t("column_group")), alt.Tooltip("numbers:N", title=parts.t("column_ratio"))]
    chart = alt.layer(
        *_limits(tolerance, x),
        base.mark_text(align="left", dy=-8, fontSize=13, color=_INK, limit=alt.ExprRef("width - 8")).encode(x=alt.value(4), text="label:N"),
        base.mark_text(align="right", dy=-8, fontSize=12, color=_SOFT).encode(x=alt.value("width"), text="numbers:N", opacity=_where_wide()),
        seen.mark_rule(strokeWidth=2.5, yOffset=7).encode(x=x("low"), x2="high:Q", color=colour),
        seen.mark_point(filled=True, size=120, opacity=1, stroke=_INK, strokeWidth=0.8, yOffset=7).encode(
            x=x("ratio"), shape=shape, fill=alt.Fill("colour:N", scale=None), tooltip=tooltip
        ),
    ).properties(height=STEP * len(data) + AROUND)
    st.altair_chart(chart, alt=forest_in_words(rows, labels, tolerance), key=key)


def _limits(tolerance: float, x: Callable[[str], alt.X]) -> list[alt.Chart]:
    """Return the zone below the tolerance, the tolerance, and where rates are equal, each with its name."""
    below = alt.Chart(pd.DataFrame({"from": [0.0], "at": [tolerance], "said": [parts.t("line_tolerance", tolerance=tolerance)]}))
    parity = alt.Chart(pd.DataFrame({"at": [1.0], "said": [parts.t("line_parity")]}))
    names = {"baseline": "bottom", "fontSize": 11, "color": _SOFT}
    return [
        below.mark_rect(color="#D55E00", opacity=0.07).encode(x=x("from"), x2="at:Q", y=alt.value(0), y2=alt.value("height")),
        below.mark_rule(color=_INK, strokeDash=[5, 3], strokeWidth=1.5).encode(x=x("at")),
        parity.mark_rule(color=_SOFT, strokeWidth=1).encode(x=x("at")),
        below.mark_text(align="right", dx=-5, **names).encode(x=x("at"), y=alt.value(-5), text="said:N"),
        parity.mark_text(align="left", dx=5, **names).encode(x=x("at"), y=alt.value(-5), text="said:N"),
    ]


def forest_in_words(rows: pd.DataFrame, labels: Sequence[str], tolerance: float) -> str:
    """Return what the chart of ratios shows, for those who cannot see it."""
    said = [f"{label}: {_numbers(row)}" for label, row in zip(labels, records(rows), strict=True)]
    return parts.t("alt_forest", tolerance=tolerance, n=len(said), lines=" · ".join(said))


def _line(place: int, label: str, row: Mapping[str, Any]) -> dict[str, Any]:
    verdict = str(row.get("verdict", ""))
    look = parts.look(verdict) if verdict else parts.Look("", "circle", _SOFT, "gray")
    return {
        "place": place,
        "label": " ".join(word for word in (look.symbol, label, f"– {parts.verdict_name(verdict)}" if verdict else "") if word),
        "numbers": _numbers(row),
        "ratio": row["ratio"],
        "low": row["ratio_low"],
        "high": row["ratio_high"],
        "shape": look.shape,
        "colour": look.colour,
    }


def _numbers(row: Mapping[str, Any]) -> str:
    if pd.isna(row["ratio"]):
        return parts.t("no_ratio")
    return parts.t("ratio_and_interval", ratio=row["ratio"], low=row["ratio_low"], high=row["ratio_high"])


def _where_wide() -> Any:
    """Return the opacity of what a phone has no room for; the table below holds it."""
    return alt.condition("width > 520", alt.value(1), alt.value(0))


def _decimals(kind: str = "") -> str:
    """Return the expression of an axis that writes numbers as the reader's language does."""
    written = f"format(datum.value, '{kind}')" if kind else "datum.label"
    return f"replace(replace({written}, '.', ','), '%', '\u202f%')" if session.language() == "fr" else written


def rates_by_cutoff(rows: pd.DataFrame, *, cutoff: float, declared: float | None, turned: float, key: str, description: str) -> None:
    """Draw the selection rate of each group by cut-off: `rows` of `Tables.sweep`, the cut-off as a rule, the study's own marked."""
    groups = list(dict.fromkeys(rows["group"]))[:MOST_LINES]
    data = rows[rows["group"].isin(groups)].assign(
        cutoff=lambda found: turned * found["cutoff"], named=lambda found: found["group"].map(parts.group_name)
    )
    names = [parts.group_name(group) for group in groups]
    x = alt.X("cutoff:Q", title=parts.t("axis_cutoff"), scale=alt.Scale(zero=False, nice=False), axis=alt.Axis(labelExpr=_decimals(), grid=False))
    lines = (
        alt.Chart(data[["cutoff", "value", "named"]])
        .mark_line(interpolate="step-before" if turned > 0 else "step-after", strokeWidth=2)
        .encode(
            x=x,
            y=alt.Y("value:Q", title=parts.t("axis_rate"), scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(labelExpr=_decimals(".0%"), tickCount=6)),
            color=alt.Color(
                "named:N",
                sort=names,
                scale=alt.Scale(domain=names, range=list(_COLOURS[: len(names)])),
                legend=alt.Legend(title=None, orient="top", columns=4, symbolSize=400, symbolStrokeWidth=2.5, labelLimit=220, offset=30),
            ),
            strokeDash=alt.StrokeDash("named:N", sort=names, scale=alt.Scale(domain=names, range=list(_DASHES[: len(names)]))),
        )
    )
    marks = [_mark(turned * cutoff, parts.t("line_cutoff", cutoff=parts.score(turned * cutoff)), x, y=-4, solid=True)]
    if declared is not None:
        marks.append(_mark(turned * declared, parts.t("line_declared", cutoff=parts.score(turned * declared)), x, y=-18, solid=False))
    st.altair_chart(alt.layer(lines, *marks).properties(height=300), alt=description, key=key)


def _mark(value: float, said: str, x: alt.X, *, y: int, solid: bool) -> alt.LayerChart:
    data = alt.Chart(pd.DataFrame({"cutoff": [value], "said": [said]}))
    rule = data.mark_rule(color=_INK, strokeWidth=2 if solid else 1.2, strokeDash=[1, 0] if solid else [2, 3]).encode(x=x)
    return rule + data.mark_text(baseline="bottom", fontSize=12, fontWeight="bold" if solid else "normal", color=_INK).encode(
        x=x, y=alt.value(y), text="said:N"
    )
