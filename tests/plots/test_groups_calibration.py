"""A point a group and part, with its interval, at the share of the row."""

import numpy as np
import pandas as pd
import pytest

from scoring.plots.groups_calibration import plot_group_calibration


@pytest.fixture
def rows():
    share = np.array([0.2, 0.5, 0.8, 0.3, np.nan, 0.9])
    rows = pd.DataFrame({"attribute": "sex", "group": ["F"] * 3 + ["M"] * 3, "part": [1, 2, 3] * 2, "from_score": [300.0, 450.5, 600.0] * 2})
    return rows.assign(people=[5, 6, 7, 8, 0, 10], share=share, low=share - 0.1, high=share + 0.1)


def held(axes, kind):
    return [line for line in axes.lines if str(line.get_gid()).startswith(kind)]


def test_points_are_the_shares_of_the_rows_and_a_missing_one_is_a_gap(rows):
    axes = plot_group_calibration(rows)
    for line, group in zip(held(axes, "line"), ("F", "M"), strict=True):
        mine = rows[rows["group"] == group]
        assert line.get_xdata() == pytest.approx(mine["part"].to_numpy(float))
        assert line.get_ydata() == pytest.approx(mine["share"].to_numpy(), nan_ok=True)


def test_intervals_are_those_of_the_rows(rows):
    known = rows[rows["share"].notna()]
    drawn = [tuple(line.get_ydata()) for line in held(plot_group_calibration(rows), "interval")]
    assert drawn == [pytest.approx(ends) for ends in zip(known["low"], known["high"], strict=True)]


def test_parts_are_named_by_where_they_begin(rows):
    axes = plot_group_calibration(rows, language="fr")
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["300", "450,5", "600"]
    other = rows.assign(from_score=[300, 450, 600, 310, 450, np.nan])
    assert [tick.get_text() for tick in plot_group_calibration(other).get_xticklabels()] == ["(1)", "450", "(3)"]


def test_with_the_mean_score_a_point_stands_at_it(rows):
    scored = rows.assign(mean_score=[310.0, 460, 620, 330, 470, 640])
    assert held(plot_group_calibration(scored), "line")[1].get_xdata() == pytest.approx([330, 470, 640])


def test_the_legend_says_how_many_stand_behind_a_point(rows):
    labels = [text.get_text() for text in plot_group_calibration(rows, language="fr").get_legend().get_texts()]
    assert labels == ["F (n\u00a0=\u00a05 à 7 par partie)", "M (n\u00a0=\u00a00 à 10 par partie)"]


def test_a_group_without_outcomes_has_a_dash(rows):
    axes = plot_group_calibration(rows.assign(share=rows["share"].where(rows["group"] == "M")))
    assert len(held(axes, "line")) == 1
    assert axes.get_legend().get_texts()[0].get_text().endswith("–")
