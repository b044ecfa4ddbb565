"""What each plot shows, as one plain sentence: for those who hear a page, and for a file that holds no picture.

A sentence picks rows and quotes their numbers; it adds none of its own but how many rows there are.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from scoring.bounds import Bounds
from scoring.fairness.narrative import Titles, level
from scoring.plots.canvas import plain
from scoring.plots.forest import label_of
from scoring.plots.funnel import Names, stage_title
from scoring.plots.roc import RATES
from scoring.plots.styles import attribute_title, metric_title, nearest_cutoff, of_metric
from scoring.plots.sweep import Shown
from scoring.texts import number, pick, say
from scoring.vocabulary import Verdict

Row = Mapping[str, Any]


def heatmap_alternative(rows: pd.DataFrame, language: str = "en", *, bounds: Bounds, titles: Titles | None = None) -> str:
    """Return what `plot_heatmap` shows: how many groups and metrics, how many ratios below the tolerance, the lowest of all.

    Examples
    --------
    >>> rows = pd.DataFrame({"attribute": "sex", "group": ["F", "M"], "metric": "selection_rate", "ratio": [0.62, 1.61]})
    >>> print(heatmap_alternative(rows, bounds=Bounds()))
    Table of impact ratios (groups: 2; metrics: 1): below the tolerance of 0.80: 1 of 2; the lowest is 0.62, of sex: F, selection rate.
    """
    if rows.empty:
        return say("plots.nothing", language)
    size = {"groups": len(rows.drop_duplicates(["attribute", "group"])), "metrics": rows["metric"].nunique()}
    worst = _least(rows, "ratio")
    if worst is None:
        return say("plots.alt_heatmap_none", language, **size)
    counts = {"below": int((rows["ratio"] < bounds.tolerance).sum()), "asked": int(rows["ratio"].notna().sum())}
    told = {"who": _who(worst, language, titles), "metric": metric_title(str(worst["metric"]), language), "ratio": worst["ratio"]}
    return say("plots.alt_heatmap", language, **size, **counts, **told, tolerance=bounds.tolerance)


def lattice_alternative(rows: pd.DataFrame, language: str = "en", *, metric: str | None = None, titles: Titles | None = None) -> str:
    """Return what `plot_lattice` shows: how many groups at exclusion, how many of these as parts, how many lean, the lowest ratio.

    Examples
    --------
    >>> rows = pd.DataFrame({"attribute": ["sex", "sex x age"], "group": ["F", "F x 66+"], "metric": "selection_rate",
    ...     "verdict": "exclusion", "under": ["", "sex: F"], "ratio": [0.6, 0.4], "people": [80, 20]})
    >>> print(lattice_alternative(rows))
    Lattice of groups and combinations: at exclusion: 2, of these as parts of another: 1; leaning to it: 0; the lowest ratio is 0.40, of
     sex: F; age: 66+ (n...20).
    """
    held = of_metric(rows, metric) if len(rows) else rows
    if held.empty:
        return say("plots.nothing", language)
    excluded, leaning = (held["verdict"] == verdict.value for verdict in (Verdict.EXCLUSION, Verdict.LEANING))
    worst = _least(held[excluded | leaning], "ratio")
    if worst is None:
        return say("plots.lattice_none", language)
    parts = int((excluded & (held["under"].fillna("") != "")).sum())
    told = {"who": _who(worst, language, titles), "ratio": worst["ratio"], "n": worst["people"]}
    return say("plots.alt_lattice", language, excluded=int(excluded.sum()), leaning=int(leaning.sum()), parts=parts, **told)


def roc_alternative(rows: pd.DataFrame, language: str = "en", *, cutoff: float | None = None, titles: Titles | None = None) -> str:
    """Return what `plot_roc` shows: at the cut-off, the group whose good are selected least often; else the gap that is clearest.

    Examples
    --------
    >>> rows = pd.DataFrame({"attribute": "sex", "group": ["F", "M"] * 2, "cutoff": 1.0, "metric": [*RATES[:1] * 2, *RATES[1:] * 2],
    ...     "hits": [9.0, 8, 2, 3], "trials": [18.0, 10, 10, 10], "value": [0.5, 0.8, 0.2, 0.3]})
    >>> print(roc_alternative(rows, cutoff=1.0))
    ROC curves by sex (groups: 2): at the cut-off 1, of those with a good outcome F is selected least often, 50.0% (9 of 18), and M most
     often, 80.0% (8 of 10).
    """
    return _at_cutoff(rows[rows["metric"] == RATES[0]] if len(rows) else rows, "roc", "value", language, cutoff, titles)


def sweep_alternative(
    rows: pd.DataFrame,
    language: str = "en",
    *,
    metric: str = "selection_rate",
    cutoff: float | None = None,
    show: Shown = "value",
    titles: Titles | None = None,
) -> str:
    """Return what `plot_sweep` shows: at the cut-off, the lowest and the highest group; else the gap that is clearest over all cut-offs.

    Examples
    --------
    >>> rows = pd.DataFrame({"attribute": "sex", "group": ["F", "M"], "cutoff": 1.0, "metric": "selection_rate", "hits": [9.0, 8],
    ...     "trials": [18.0, 10], "value": [0.5, 0.8]})
    >>> print(sweep_alternative(rows, cutoff=1.0))
    Curves over the cut-offs of the score by sex, selection rate (groups: 2): at the cut-off 1, F has the lowest, 50.0% (9 of 18), and M
     the highest, 80.0% (8 of 10).
    """
    return _at_cutoff(rows[rows["metric"] == metric] if len(rows) else rows, "sweep", show, language, cutoff, titles)


def group_calibration_alternative(rows: pd.DataFrame, language: str = "en", *, titles: Titles | None = None) -> str:
    """Return what `plot_group_calibration` shows: in which part of the score the groups differ most, from what to what.

    Examples
    --------
    >>> rows = pd.DataFrame({"attribute": "sex", "group": ["F", "M"], "part": 1, "people": [20, 30], "share": [0.25, 0.5]})
    >>> print(group_calibration_alternative(rows))
    Share of good outcomes by part of the score and by sex (groups: 2; parts: 1): they differ most in part 1, from 25.0% of F (n...20) to
     50.0% of M (n...30).
    """
    if rows.empty:
        return say("plots.nothing", language)
    size = _size(rows, language, titles) | {"parts": rows["part"].nunique()}
    shares = rows.groupby("part")["share"]
    spread = shares.max() - shares.min()  # chooses the part; what is said are its rows
    if spread.isna().all():
        return say("plots.alt_calibration_none", language, **size)
    here = rows[rows["part"] == spread.idxmax()]
    least, most = _extremes(here, "share")
    told = {f"{name}_{of}": row[of] for name, row in (("least", least), ("most", most)) for of in ("share", "people")}
    names = {name: plain(level(str(row["group"]), language)) for name, row in (("least", least), ("most", most))}
    return say("plots.alt_calibration", language, **size, **told, **names, part=number(float(least["part"]), "plain", language))


def funnel_alternative(rows: pd.DataFrame, language: str = "en", *, stages: Names | None = None, titles: Titles | None = None) -> str:
    """Return what `plot_funnel` shows: the group with the lowest ratio over the whole funnel, and the stage with its lowest ratio.

    Examples
    --------
    >>> rows = pd.DataFrame({"attribute": "sex", "group": ["F", "M"], "stage": "(decision)", "ratio": [0.5, 2.0], "total_ratio": [0.5, 2.0],
    ...     "total_low": [0.3, 1.4], "total_high": [0.7, 3.1], "people": 40, "makes_the_gap": [True, False]})
    >>> print(funnel_alternative(rows))
    Funnel by sex (groups: 2; stages: 1): over the whole funnel F has the lowest ratio, 0.50 (0.30 to 0.70; n...40); its lowest stage is
     decision, 0.50.
    """
    if rows.empty:
        return say("plots.nothing", language)
    size = _size(rows, language, titles) | {"stages": rows["stage"].nunique()}
    worst = _least(rows, "total_ratio")
    if worst is None:
        return say("plots.alt_funnel_none", language, **size)
    told = {"who": plain(level(str(worst["group"]), language)), "n": worst["people"]}
    told |= {name: worst[f"total_{name}"] for name in ("ratio", "low", "high")}
    marked = rows[(rows["group"] == worst["group"]) & rows["makes_the_gap"].astype(bool)]
    if marked.empty:
        return say("plots.alt_funnel_open", language, **size, **told)
    at = _row(marked.iloc[0])
    return say("plots.alt_funnel", language, **size, **told, stage=plain(stage_title(str(at["stage"]), stages, language)), at=at["ratio"])


def waterfall_alternative(rows: pd.DataFrame, language: str = "en", *, titles: Titles | None = None) -> str:
    """Return what `plot_waterfall` shows: the whole difference, and the largest part of it.

    Examples
    --------
    >>> rows = pd.DataFrame({"attribute": "sex", "group": "F", "feature": ["age", "home"], "people": 9, "reference_people": 8,
    ...     "gap": [-20.0, 5.0], "gap_low": [-30.0, 1.0], "gap_high": [-10.0, 9.0], "total_gap": -15.0, "total_low": -27.0, "total_high": -3.0,
    ...     "scale": "points"})
    >>> print(waterfall_alternative(rows))
    Difference of the mean score, sex: F (n...9) less the others (n...8), by feature (2): in all −15.0 points (−27.0 to −3.0); the largest
     part is age, −20.0 (−30.0 to −10.0).
    """
    if rows.empty:
        return say("plots.nothing", language)
    first, sizes = _row(rows.iloc[0]), rows["gap"].abs()
    counts = {"who": _who(first, language, titles), "n": first["people"], "others": first["reference_people"], "features": len(rows)}
    if math.isnan(first["total_gap"]) or sizes.isna().all():
        return say("plots.alt_waterfall_none", language, **counts)
    largest, kind = _extremes(rows.assign(size=sizes), "size")[1], "times" if first["scale"] == "points" else "ratio3"
    total = {name: number(first[f"total_{name}"], kind, language) for name in ("gap", "low", "high")}
    part = {f"part_{name}": number(largest[column], kind, language) for name, column in _PART}
    unit = say(f"inquiry.unit_{str(first['scale']).replace('-', '_')}", language)
    feature = plain(pick((titles or {}).get(str(largest["feature"])), language) or str(largest["feature"]))
    return say("plots.alt_waterfall", language, **counts, **total, **part, unit=unit, feature=feature)


_PART = (("gap", "gap"), ("low", "gap_low"), ("high", "gap_high"))


def bounds_alternative(rows: pd.DataFrame, language: str = "en", *, bounds: Bounds, metric: str | None = None, titles: Titles | None = None) -> str:
    """Return what `plot_bounds` shows: how many bands lie below the tolerance or reach below it, and the one that reaches lowest.

    Examples
    --------
    >>> rows = pd.DataFrame({"attribute": "sex", "group": ["F", "M"], "metric": "selection_rate", "ratio_lowest": [0.6, 0.9], "ratio_highest": 1.1})
    >>> print(bounds_alternative(rows, bounds=Bounds()))
    Ratios that cannot be excluded, selection rate (lines: 2): wholly below the tolerance of 0.80: 0; reaching below it: 1; the lowest
     is sex: F, 0.60 to 1.10.
    """
    held = of_metric(rows, metric) if len(rows) else rows
    if held.empty:
        return say("plots.nothing", language)
    size = {"rows": len(held), "metric": metric_title(str(held["metric"].iloc[0]), language)}
    worst = _least(held, "ratio_lowest")
    if worst is None:
        return say("plots.alt_bounds_none", language, **size)
    below = held["ratio_highest"] < bounds.tolerance
    counts = {"below": int(below.sum()), "reach": int((~below & (held["ratio_lowest"] < bounds.tolerance)).sum()), "tolerance": bounds.tolerance}
    ends = {"low": worst["ratio_lowest"], "high": worst["ratio_highest"], "who": _who(worst, language, titles)}
    return say("plots.alt_bounds", language, **size, **counts, **ends)


def _at_cutoff(rows: pd.DataFrame, plot: str, show: str, language: str, cutoff: float | None, titles: Titles | None) -> str:  # noqa: PLR0917
    """Say who is lowest and who highest at the cut-off; without one, where over all cut-offs a group is shown furthest behind."""
    if rows.empty:
        return say("plots.nothing", language)
    size = _size(rows, language, titles) | {"metric": metric_title(str(rows["metric"].iloc[0]), language)}
    place = nearest_cutoff(rows, cutoff)
    if place is None:
        return _clearest(rows, plot, language, size)
    here = rows[rows["cutoff"] == place]
    if here[show].isna().all():
        return say(f"plots.alt_{plot}_none", language, **size)
    worst, best = _extremes(here, show)
    told = {f"{name}_{of}": row[of] for name, row in (("least", worst), ("most", best)) for of in (show, "hits", "trials")}
    names = {name: plain(level(str(row["group"]), language)) for name, row in (("least", worst), ("most", best))}
    return say(f"plots.alt_{plot}{'_ratio' if show == 'ratio' else ''}", language, **size, **told, **names, cutoff=place)


def _clearest(rows: pd.DataFrame, plot: str, language: str, size: Row) -> str:
    """Return the row whose ratio is lowest even at the upper end of its interval: a lower ratio of few people says less."""
    worst = _least(rows, "ratio_high") if "ratio_high" in rows else None
    if worst is None:
        return say(f"plots.alt_{plot}_none", language, **size)
    told = {"who": plain(level(str(worst["group"]), language)), "cutoff": worst["cutoff"]}
    told |= {"ratio": worst["ratio"], "low": worst["ratio_low"], "high": worst["ratio_high"]}
    return say(f"plots.alt_{plot}_clearest", language, **size, **told)


def _size(rows: pd.DataFrame, language: str, titles: Titles | None) -> dict[str, Any]:
    """Return of what attribute the rows are, and how many groups it has."""
    return {"attribute": plain(attribute_title(str(rows["attribute"].iloc[0]), language, titles)), "groups": rows["group"].nunique()}


def _least(rows: pd.DataFrame, column: str) -> Row | None:
    """Return the first row with the lowest number of a column; none where no row has a number."""
    return None if rows[column].isna().all() else _extremes(rows, column)[0]


def _extremes(rows: pd.DataFrame, column: str) -> tuple[Row, Row]:
    """Return the first row with the lowest and the first with the highest number of a column that has one."""
    held = rows[rows[column].notna()]
    numbers = held[column].to_numpy(float)
    return _row(held.iloc[int(numbers.argmin())]), _row(held.iloc[int(numbers.argmax())])


def _row(row: pd.Series[Any]) -> Row:
    return {str(name): value for name, value in row.items()}


def _who(row: Row, language: str, titles: Titles | None) -> str:
    return plain(label_of(row, language, titles))
