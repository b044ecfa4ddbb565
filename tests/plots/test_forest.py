"""One line a row, the numbers of the rows, and the same bytes each time."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

import scoring
from scoring.bounds import Bounds
from scoring.plots.calibration import plot_calibration
from scoring.plots.canvas import MARKS, to_svg
from scoring.plots.forest import plot_ratios
from scoring.vocabulary import Verdict


@pytest.fixture(scope="module")
def rows(small_study):
    judged = small_study.published().judged(depth=1)
    return judged[judged["metric"] == "selection_rate"]


def drawn(axes, kind):
    return [line for line in axes.lines if str(line.get_gid()).startswith(kind)]


def texts(axes):
    return [text.get_text().replace("\n", " ") for text in axes.texts]


def test_each_row_has_a_line_and_says_n(rows):
    axes = plot_ratios(rows, bounds=Bounds())
    asked = rows[rows["ratio"].notna()]
    assert len(drawn(axes, "interval")) == len(drawn(axes, "point")) == len(asked)
    for _, row in rows.iterrows():
        assert any(f"{row['attribute']}: {row['group']}" in text and f"(n\u00a0=\u00a0{row['trials']:,.0f})" in text for text in texts(axes)), row[
            "group"
        ]


def test_points_and_intervals_are_the_numbers_of_the_rows(rows):
    axes = plot_ratios(rows, bounds=Bounds())
    low, high = axes.get_xlim()
    asked = rows[rows["ratio"].notna()]
    for line, point, (_, row) in zip(drawn(axes, "interval"), drawn(axes, "point"), asked.iterrows(), strict=True):
        assert point.get_xdata()[0] == pytest.approx(np.clip(row["ratio"], low, high))
        assert tuple(line.get_xdata()) == pytest.approx((max(row["ratio_low"], low), max(low, min(row["ratio_high"], high))))


def test_nobody_selected_stands_at_the_left_edge_and_is_said(rows):
    axes = plot_ratios(rows, bounds=Bounds())
    assert (rows["ratio"] == 0).any()
    assert drawn(axes, "point")[0].get_xdata()[0] == axes.get_xlim()[0]
    assert any("nobody was selected" in text for text in texts(axes))


def test_a_row_without_verdict_shows_its_reason_and_no_point(rows):
    folded = rows[rows["group"] == "(small groups)"]
    axes = plot_ratios(folded, bounds=Bounds(), language="fr")
    assert not drawn(axes, "point")
    assert any("Regroupé avec d'autres petits groupes" in text for text in texts(axes))


def test_an_open_end_is_an_arrow(rows):
    one = rows[rows["verdict"] == "exclusion"].tail(1).assign(ratio=1.2, ratio_low=0.9, ratio_high=np.inf)
    axes = plot_ratios(one, bounds=Bounds())
    assert len(drawn(axes, "open")) == 1
    assert drawn(axes, "open")[0].get_xdata()[0] == axes.get_xlim()[1]


def test_the_tolerance_and_equality_are_lines_and_ticks(rows):
    axes = plot_ratios(rows, bounds=Bounds(tolerance=0.7))
    placed = {float(line.get_xdata()[0]) for line in axes.lines if line.get_gid() is None}
    assert {0.7, 1.0} <= placed
    assert {0.7, 1.0} <= set(axes.get_xticks())


def test_it_draws_on_axes_that_are_handed_in(rows):
    from matplotlib.figure import Figure

    given = Figure().add_subplot()
    assert plot_ratios(rows, bounds=Bounds(), ax=given) is given
    assert drawn(given, "point")


def test_no_rows_make_an_empty_plot(rows):
    assert not drawn(plot_ratios(rows.iloc[:0], bounds=Bounds()), "point")


def test_verdicts_differ_in_shape_and_in_colour():
    drawn_marks = [mark for verdict, mark in MARKS.items() if verdict is not Verdict.NOT_APPLICABLE]
    assert len({mark.marker for mark in drawn_marks}) == len({mark.colour for mark in drawn_marks}) == len({mark.symbol for mark in drawn_marks}) == 4


def test_the_same_rows_give_the_same_bytes_and_nothing_is_left_behind(rows):
    before = dict(mpl.rcParams)
    first, second = (to_svg(plot_ratios(rows, bounds=Bounds()), "forest") for _ in range(2))
    assert first == second
    assert dict(mpl.rcParams) == before
    assert "<metadata" not in first
    assert "<style" not in first
    assert "http" not in first.replace("http://www.w3.org/", "")


def test_labels_are_words_and_never_mathematics_or_markup(hostile_study):
    svg = to_svg(plot_ratios(hostile_study.published().judged(), bounds=Bounds()), "forest")
    assert "<script" not in svg
    assert "&lt;script&gt;" in svg
    assert "$\\frac{a}$" in svg


def test_signs_that_the_type_lacks_draw_without_a_warning():
    frame = pd.DataFrame({"g": np.repeat(["漢字", "😀 b"], 50), "y": np.tile([0, 1], 50)})
    study = scoring.audit(frame, decision="y", favourable=1, groups=["g"])
    assert "漢字" in to_svg(plot_ratios(study.published().judged(), bounds=Bounds()), "forest")


def test_a_study_plots_itself(small_study):
    assert len(drawn(small_study.plot().axes, "point")) > 3


def test_calibration_draws_a_bar_a_part(credit_study):
    parts = credit_study.published().calibration(5)
    axes = plot_calibration(parts, language="fr")
    assert [bar.get_height() for bar in axes.patches] == pytest.approx(list(parts["share"]))
