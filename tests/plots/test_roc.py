"""A curve a group, whose corners are the rows."""

import numpy as np
import pandas as pd
import pytest

from scoring.plots.roc import plot_roc


@pytest.fixture
def rows():
    rng = np.random.default_rng(3)
    parts = []
    for group, n in (("F", 40.0), ("M", 70.0)):
        for metric in ("selection_rate", "true_positive_rate", "false_positive_rate"):
            value = np.sort(rng.random(6))[::-1]
            parts.append(pd.DataFrame({"group": group, "cutoff": np.arange(6.0), "metric": metric, "value": value, "trials": n}))
    return pd.concat(parts, ignore_index=True).assign(attribute="sex")


def line(axes, gid):
    return next((held for held in axes.lines if held.get_gid() == gid), None)


def rates(rows, group, metric):
    return rows[(rows["group"] == group) & (rows["metric"] == metric)].sort_values("cutoff", ascending=False)["value"].to_numpy()


def test_curves_are_the_rates_of_the_rows_in_steps(rows):
    axes = plot_roc(rows.sample(frac=1, random_state=1).sort_values("group"))
    for k, group in enumerate(("F", "M")):
        held = line(axes, f"line-{k}")
        assert held.get_xdata() == pytest.approx(rates(rows, group, "false_positive_rate"))
        assert held.get_ydata() == pytest.approx(rates(rows, group, "true_positive_rate"))
        assert held.get_drawstyle() == "steps-post"
    assert line(axes, "line-2") is None


def test_the_diagonal_is_there(rows):
    assert list(line(plot_roc(rows), "chance").get_xdata()) == [0, 1]


def test_the_cutoff_in_force_is_a_large_point_on_each_curve(rows):
    axes = plot_roc(rows, cutoff=2.2)
    at = rows[(rows["cutoff"] == 2.0) & (rows["group"] == "M")].set_index("metric")["value"]
    point = line(axes, "cutoff-1")
    assert (point.get_xdata()[0], point.get_ydata()[0]) == pytest.approx((at["false_positive_rate"], at["true_positive_rate"]))
    assert any("cut-off 2" in text.get_text() for text in axes.texts)
    assert line(plot_roc(rows), "cutoff-0") is None


def test_the_legend_says_how_many_good_and_bad(rows):
    labels = [text.get_text() for text in plot_roc(rows, language="fr").get_legend().get_texts()]
    assert labels == ["F (40 bons, 40 mauvais)", "M (70 bons, 70 mauvais)"]


def test_a_group_of_which_one_rate_is_not_known_has_a_dash(rows):
    blind = rows.assign(value=rows["value"].where((rows["group"] != "F") | (rows["metric"] != "false_positive_rate")))
    axes = plot_roc(blind, cutoff=2.0)
    assert line(axes, "line-0") is None
    assert line(axes, "line-1") is not None
    assert [text.get_text()[-1] for text in axes.get_legend().get_texts()] == ["–", ")"]


def test_a_cutoff_without_a_rate_is_left_out(rows):
    held = rows.assign(value=rows["value"].mask((rows["group"] == "F") & (rows["cutoff"] == 3.0)))
    assert len(line(plot_roc(held), "line-0").get_xdata()) == 5
