"""A line a group over the cut-offs, whose heights are the rows."""

import numpy as np
import pandas as pd
import pytest

from scoring.bounds import Bounds
from scoring.plots.sweep import plot_sweep


@pytest.fixture
def rows():
    cutoff = np.arange(5.0)
    rows = pd.concat([
        pd.DataFrame({"group": group, "cutoff": cutoff, "value": 1 - cutoff / 5 - less, "trials": n, "hits": 1.0})
        for group, less, n in (("F", 0.1, 40.0), ("M", 0.0, 70.0))
    ])  # fmt: skip
    rows = rows.assign(low=rows["value"] - 0.1, high=rows["value"] + 0.1, ratio=[0.9, 0.7, 0.5, 0.1, 0.0, 1.1, 1.4, 2.0, 9.0, np.inf])
    return rows.assign(ratio_low=rows["ratio"] * 0.8, ratio_high=rows["ratio"] * 1.2, attribute="sex", metric="selection_rate")


def line(axes, gid):
    return next((held for held in axes.lines if held.get_gid() == gid), None)


def test_heights_are_the_rates_of_the_rows(rows):
    axes = plot_sweep(rows.sample(frac=1, random_state=2).sort_values("group"))
    for k, group in enumerate(("F", "M")):
        held = line(axes, f"line-{k}")
        assert held.get_xdata() == pytest.approx(np.arange(5.0))
        assert held.get_ydata() == pytest.approx(rows.loc[rows["group"] == group, "value"].to_numpy())


def test_bands_are_the_intervals_of_the_rows(rows):
    axes = plot_sweep(rows)
    ends = np.concatenate([axes.collections[0].get_paths()[0].vertices[:, 1]])
    mine = rows[rows["group"] == "F"]
    assert ends.min() == pytest.approx(max(0, mine["low"].min()))
    assert ends.max() == pytest.approx(min(1, mine["high"].max()))
    assert [band.get_gid() for band in axes.collections] == ["band-0", "band-1"]


def test_ratios_are_drawn_within_the_axis_with_the_tolerance_and_equality(rows):
    axes = plot_sweep(rows, show="ratio", bounds=Bounds(tolerance=0.7))
    low, high = axes.get_ylim()
    assert axes.get_yscale() == "log"
    for k, group in enumerate(("F", "M")):
        expected = np.clip(rows.loc[rows["group"] == group, "ratio"].to_numpy(), low, high)
        assert line(axes, f"line-{k}").get_ydata() == pytest.approx(expected)
    assert line(axes, "tolerance").get_ydata()[0] == 0.7
    assert line(axes, "equal").get_ydata()[0] == 1.0
    assert {0.7, 1.0} <= set(axes.get_yticks())


def test_where_nothing_is_defined_the_line_has_a_gap(rows):
    held = rows.assign(value=rows["value"].mask((rows["group"] == "F") & (rows["cutoff"] == 2.0)))
    assert np.isnan(line(plot_sweep(held), "line-0").get_ydata()).tolist() == [False, False, True, False, False]


def test_a_group_without_any_rate_has_a_dash_in_the_legend(rows):
    axes = plot_sweep(rows.assign(value=rows["value"].where(rows["group"] == "M")))
    assert line(axes, "line-0") is None
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["F (n\u00a0=\u00a040) –", "M (n\u00a0=\u00a070)"]


def test_the_cutoff_in_force_stands_at_an_edge_of_the_rows(rows):
    axes = plot_sweep(rows, cutoff=2.4, language="fr")
    assert line(axes, "cutoff").get_xdata()[0] == 2.0
    assert any(text.get_text() == "seuil 2" for text in axes.texts)
    assert axes.get_ylabel() == "taux de sélection"


def test_a_metric_that_is_not_there_is_nothing_to_draw(rows):
    assert plot_sweep(rows, metric="accuracy").texts[0].get_gid() == "nothing"


def test_what_stands_at_the_edge_is_said(rows):
    assert "au bord" in plot_sweep(rows, show="ratio", language="fr").get_xlabel().replace("\n", " ")
    inside = rows[rows["cutoff"] < 3]
    assert "edge" not in plot_sweep(inside, show="ratio").get_xlabel()
