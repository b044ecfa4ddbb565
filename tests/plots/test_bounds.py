"""A bar is what cannot be excluded, a line its ends with sampling error, a point the estimate."""

import numpy as np
import pandas as pd
import pytest

from scoring.bounds import Bounds
from scoring.plots.bounds import plot_bounds


@pytest.fixture
def rows():
    return pd.DataFrame({
        "attribute": "sex", "group": ["F", "M", "X", "Y"], "metric": "selection_rate", "ratio": [0.7, 1.2, np.nan, 0.0],
        "ratio_lowest": [0.6, 0.9, np.nan, 0.0], "ratio_highest": [0.75, 1.5, np.nan, 7.0], "unknown": [10.0, 10, 10, 1234],
    })  # fmt: skip


def drawn(axes, kind):
    return {line.get_gid(): tuple(line.get_xdata()) for line in axes.lines if str(line.get_gid()).startswith(kind)}


def test_bands_and_points_are_the_rows(rows):
    axes = plot_bounds(rows, bounds=Bounds())
    low, high = axes.get_xlim()
    held = rows[rows["ratio_lowest"].notna()]
    for place, row in held.iterrows():
        assert drawn(axes, "band")[f"band-{place}"] == pytest.approx(np.clip((row["ratio_lowest"], row["ratio_highest"]), low, high))
        assert drawn(axes, "point")[f"point-{place}"] == pytest.approx((np.clip(row["ratio"], low, high),))
    assert len(drawn(axes, "band")) == 3
    assert not drawn(axes, "whiskers")


def test_what_goes_beyond_the_axis_ends_in_arrows(rows):
    assert drawn(plot_bounds(rows, bounds=Bounds()), "open").keys() == {"open-3"}
    assert len([line for line in plot_bounds(rows, bounds=Bounds()).lines if line.get_gid() == "open-3"]) == 2


def test_a_band_that_is_not_defined_is_a_dash(rows):
    axes = plot_bounds(rows, bounds=Bounds())
    said = {text.get_gid(): text.get_text() for text in axes.texts}
    assert said["reason-2"] == said["said-2"] == "–"
    assert said["said-0"] == "0.60 to 0.75"


def test_the_reason_stands_where_the_rows_have_one(rows):
    told = rows.assign(reasons=[(), (), ("nobody_known",), ()], verdict=["exclusion", "", "not applicable", "undetermined"], people=40)
    axes = plot_bounds(told, bounds=Bounds(), language="fr")
    said = {text.get_gid(): text.get_text().replace("\n", " ") for text in axes.texts}
    assert said["reason-2"] == "Personne n'a de probabilité supérieure à 0 d'en faire partie."
    assert drawn(axes, "verdict").keys() == {"verdict-0", "verdict-3"}


@pytest.mark.parametrize("names", [("ratio_low", "ratio_high"), ("ratio_lowest_low", "ratio_highest_high")])
def test_whiskers_are_the_ends_with_sampling_error(rows, names):
    wide = rows.assign(**{names[0]: [0.5, 0.85, np.nan, 0.0], names[1]: [0.82, 1.7, np.nan, 9.0]})
    axes = plot_bounds(wide, bounds=Bounds())
    assert drawn(axes, "whiskers")["whiskers-0"] == pytest.approx((0.5, 0.82))
    assert drawn(axes, "whiskers")["whiskers-1"] == pytest.approx((0.85, 1.7))
    assert any("sampling" in text.get_text() for text in axes.get_legend().get_texts())


def test_the_band_with_sampling_error_goes_before_that_of_the_estimate(rows):
    both = rows.assign(ratio_low=0.69, ratio_high=0.71, ratio_lowest_low=0.5, ratio_highest_high=0.9)
    assert drawn(plot_bounds(both, bounds=Bounds()), "whiskers")["whiskers-0"] == pytest.approx((0.5, 0.9))


def test_rows_under_an_assumption_say_so(rows):
    held = rows.drop(columns=["ratio", "unknown"]).assign(observed=1000, unobserved=20)
    both = pd.concat([held.assign(assumption="none"), held.assign(assumption="monotone")])
    axes = plot_bounds(both, bounds=Bounds(), language="fr")
    labels = [text.get_text() for text in axes.texts]
    assert "sex\u202f: F\n(1\u202f000 résultats connus, 20 non)" in labels
    assert "sex\u202f: F\n(1\u202f000 résultats connus, 20 non)\nsi les refusés n'étaient pas meilleurs" in labels
    assert not drawn(axes, "point")


def test_the_tolerance_and_equality_are_lines_and_ticks(rows):
    axes = plot_bounds(rows, bounds=Bounds(tolerance=0.7))
    assert drawn(axes, "tolerance")["tolerance"][0] == 0.7
    assert {0.7, 1.0} <= set(axes.get_xticks())
    assert axes.get_xscale() == "log"


def test_labels_say_how_many_are_unknown(rows):
    assert any("(1\u202f234 de groupe inconnu)" in text.get_text() for text in plot_bounds(rows, bounds=Bounds(), language="fr").texts)


def test_a_band_without_width_shows_as_a_stroke(rows):
    axes = plot_bounds(rows.assign(ratio_highest=rows["ratio_lowest"]), bounds=Bounds())
    assert [line.get_marker() for line in axes.lines if line.get_gid() == "band-0"] == ["|"]
