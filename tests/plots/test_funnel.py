"""Stages from the top, in each a line a group; what makes the gap has a ring."""

import numpy as np
import pandas as pd
import pytest

from scoring.fairness.funnel import DECISION
from scoring.plots import funnel
from scoring.plots.funnel import plot_funnel


@pytest.fixture
def rows():
    base = pd.DataFrame({
        "attribute": "sex", "group": ["F", "F", "M", "M"], "stage": ["mail", DECISION] * 2, "position": [0, 1] * 2, "people": 90,
        "hits": [30.0, 0, 60, 30], "trials": [60.0, 0, 70, 60], "value": [0.5, np.nan, 6 / 7, 0.5], "low": [0.4, np.nan, 0.7, 0.35],
        "high": [0.6, np.nan, 0.9, 0.65], "ratio": [7 / 12, np.nan, 12 / 7, np.nan], "makes_the_gap": [True, False, False, False],
        "verdict": ["exclusion", "not applicable", "within tolerance", "not applicable"],
    })  # fmt: skip
    base["ratio_low"], base["ratio_high"] = base["ratio"] * 0.8, base["ratio"] * 1.2
    return base.assign(reasons=[(), ("no_outcome",), (), ("no_reference",)])


def held(axes, kind):
    return {line.get_gid(): line for line in axes.lines if str(line.get_gid()).startswith(kind)}


def test_points_and_intervals_are_the_rows_stage_by_stage(rows):
    axes = plot_funnel(rows)
    order = rows.sort_values("position", kind="stable").reset_index(drop=True)
    for place, row in order[order["value"].notna()].iterrows():
        assert held(axes, "point")[f"point-{place}"].get_xdata()[0] == pytest.approx(row["value"])
        assert tuple(held(axes, "interval")[f"interval-{place}"].get_xdata()) == pytest.approx((row["low"], row["high"]))
    heights = [line.get_ydata()[0] for line in held(axes, "point").values()]
    assert heights == sorted(heights)
    assert axes.get_ylim()[0] > axes.get_ylim()[1]


def test_where_nobody_is_left_the_reason_stands_and_no_point(rows):
    axes = plot_funnel(rows, language="fr")
    assert "point-2" not in held(axes, "point")
    assert {text.get_gid(): text.get_text() for text in axes.texts}["reason-2"] == "Il ne reste personne de ce groupe à cette étape."


def test_counts_and_ratio_are_written_beside(rows):
    said = {text.get_gid(): text.get_text() for text in plot_funnel(rows, language="fr").texts}
    assert said["said-0"] == "30 sur 60 · 0,58 (0,47 à 0,70)"
    assert said["said-3"] == "30 sur 60 · –"


def test_the_stage_that_makes_the_gap_has_a_ring(rows):
    axes = plot_funnel(rows)
    assert list(held(axes, "gap")) == ["gap-0"]
    assert any("lowest ratio" in text.get_text() for text in axes.get_legend().get_texts())
    assert not held(plot_funnel(rows.assign(makes_the_gap=False)), "gap")


def test_stages_have_their_titles(rows):
    axes = plot_funnel(rows, stages={"mail": {"fr": "joignables"}}, language="fr")
    assert [text.get_text() for text in axes.texts if str(text.get_gid()).startswith("stage")] == ["joignables", "décision"]
    assert funnel._DECISION == DECISION
