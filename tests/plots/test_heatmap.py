"""A cell a group and metric, with the number of the row, and marks that grey paper keeps."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from scoring.bounds import Bounds
from scoring.plots.heatmap import plot_heatmap
from scoring.texts import number


@pytest.fixture
def rows():
    ratios = {("F", "selection_rate"): 0.62, ("M", "selection_rate"): 1.61, ("F", "accuracy"): 0.8, ("M", "accuracy"): np.nan}
    ratios |= {("X", "selection_rate"): 0.0, ("X", "accuracy"): np.inf}
    return pd.DataFrame([{"attribute": "sex", "group": group, "metric": metric, "ratio": ratio} for (group, metric), ratio in ratios.items()])


def written(axes):
    return {text.get_gid(): text.get_text() for text in axes.texts if str(text.get_gid()).startswith("ratio")}


def tints(axes):
    return {patch.get_gid(): np.array(patch.get_facecolor()[:3]) for patch in axes.patches if str(patch.get_gid()).startswith("cell")}


def corners(axes):
    return {patch.get_gid() for patch in axes.patches if str(patch.get_gid()).startswith("below")}


@pytest.mark.parametrize("language", ["en", "fr"])
def test_each_cell_holds_the_number_of_its_row(rows, language):
    axes = plot_heatmap(rows, bounds=Bounds(), language=language)
    groups, metrics = list(rows["group"].unique()), list(rows["metric"].unique())
    expected = {
        f"ratio-{groups.index(row.group)}-{metrics.index(row.metric)}": "0" if row.ratio == 0 else number(row.ratio, "ratio", language)
        for row in rows.itertuples()
    }
    assert written(axes) == expected
    assert len(tints(axes)) == 6


def test_a_cell_that_is_not_defined_is_a_dash_on_white(rows):
    axes = plot_heatmap(rows, bounds=Bounds())
    assert written(axes)["ratio-1-1"] == "–"
    assert (tints(axes)["cell-1-1"] == 1).all()


def test_a_row_that_is_missing_is_a_dash_too(rows):
    axes = plot_heatmap(rows[~((rows["group"] == "F") & (rows["metric"] == "accuracy"))], bounds=Bounds())
    assert written(axes)["ratio-0-1"] == "–"


def test_below_the_tolerance_stands_a_corner_and_at_it_none(rows):
    assert corners(plot_heatmap(rows, bounds=Bounds())) == {"below-0-0"}
    assert corners(plot_heatmap(rows, bounds=Bounds(tolerance=0.9))) == {"below-0-0", "below-0-1"}
    assert corners(plot_heatmap(rows, bounds=Bounds(tolerance=0.5))) == set()


def test_a_ratio_of_0_is_white_on_black(rows):
    axes = plot_heatmap(rows, bounds=Bounds())
    zero = next(text for text in axes.texts if text.get_gid() == "ratio-2-0")
    assert zero.get_text() == "0"
    assert zero.get_color() == "white"
    assert tints(axes)["cell-2-0"].max() < 0.2


def test_the_tint_deepens_with_the_distance_from_1_on_both_sides():
    ratios = [1.0, 0.9, 0.7, 0.5, 1 / 0.9, 1 / 0.7, 1 / 0.5]
    rows = pd.DataFrame({"attribute": "a", "group": [str(k) for k in range(7)], "metric": "selection_rate", "ratio": ratios})
    found = tints(plot_heatmap(rows, bounds=Bounds()))
    grey = [found[f"cell-{k}-0"] @ [0.299, 0.587, 0.114] for k in range(7)]
    assert grey[0] == pytest.approx(1)
    assert grey[:4] == sorted(grey[:4], reverse=True)
    assert grey[4:] == sorted(grey[4:], reverse=True)
    assert found["cell-3-0"][0] > found["cell-3-0"][2]
    assert found["cell-6-0"][0] < found["cell-6-0"][2]
    assert min(grey) > 0.5  # ink stays legible on the deepest


def test_labels_say_how_many_where_the_rows_do(rows):
    axes = plot_heatmap(rows.assign(people=1234), bounds=Bounds(), language="fr")
    assert any(text.get_text() == "sex\u202f: F (n\u00a0=\u00a01\u202f234)" for text in axes.texts)


def test_nothing_hangs_over_the_edge_of_the_figure():
    names = ["base_rate", "positive_predictive_value", "negative_predictive_value", "true_positive_rate"]
    rows = pd.DataFrame({"attribute": "neighbourhood", "group": "a group with a name that is rather long", "metric": names, "ratio": 0.7})
    figure = plot_heatmap(rows, bounds=Bounds()).figure
    box = figure.get_tightbbox(mpl.backends.backend_agg.FigureCanvasAgg(figure).get_renderer())
    assert box.x0 >= -0.01
    assert box.y0 >= -0.01
    assert box.x1 <= figure.get_figwidth() + 0.01
    assert box.y1 <= figure.get_figheight() + 0.01
