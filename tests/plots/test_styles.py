"""What holds for every plot: its own figure, the same bytes, no words read as mathematics or markup, nothing left behind, both languages."""

import re
import sys
import warnings

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from scoring.bounds import Bounds
from scoring.errors import EquiscoreError
from scoring.fairness.metrics import COMPOSITES, METRICS
from scoring.plots.bounds import plot_bounds
from scoring.plots.canvas import to_svg
from scoring.plots.funnel import plot_funnel
from scoring.plots.groups_calibration import plot_group_calibration
from scoring.plots.heatmap import plot_heatmap
from scoring.plots.lattice import plot_lattice
from scoring.plots.roc import plot_roc
from scoring.plots.styles import LOOKS, attribute_title, metric_title, nearest_cutoff, wrapped
from scoring.plots.sweep import plot_sweep
from scoring.plots.waterfall import plot_waterfall
from scoring.texts import LANGUAGES

HOSTILE = ["<script>alert(1)</script>", "$\\frac{a}$ *b*", "_hidden", "{{ 7*7 }} \x00\x1b]]>", "漢字 😀"]
BOUNDS = Bounds()


def each(groups, **columns):
    """Return a row a group with the same numbers."""
    return pd.DataFrame({"attribute": "region", "group": list(groups), **columns})


def disparities(groups):
    return each(groups, metric="selection_rate", ratio=0.7)


def judged(groups):
    held = each(groups, metric="selection_rate", ratio=0.7, verdict="exclusion", under="", people=40, depth=1)
    return held.assign(levels=[(group,) for group in groups])


def swept(groups):
    names = ["selection_rate", "true_positive_rate", "false_positive_rate"]
    rows = each(groups, value=0.5, low=0.4, high=0.6, ratio=0.9, ratio_low=0.8, ratio_high=1.0, hits=5.0, trials=10.0)
    return rows.merge(pd.DataFrame({"cutoff": [1.0, 2.0]}), how="cross").merge(pd.DataFrame({"metric": names}), how="cross")


def calibrated(groups):
    rows = each(groups, share=0.5, low=0.4, high=0.6, people=20, good=10)
    return rows.merge(pd.DataFrame({"part": [1, 2], "from_score": [300.0, 500.0]}), how="cross")


def funnelled(groups):
    rows = each(groups, hits=5.0, trials=10.0, value=0.5, low=0.3, high=0.7, ratio=0.7, ratio_low=0.5, ratio_high=0.9, verdict="leaning", people=10)
    rows = rows.assign(reasons=[()] * len(rows), makes_the_gap=True, total_ratio=0.7, total_low=0.5, total_high=0.9)
    return rows.merge(pd.DataFrame({"stage": ["mail", "(decision)"], "position": [0, 1]}), how="cross")


def driven(groups):
    rows = pd.DataFrame({"attribute": "region", "group": groups[0], "feature": list(groups), "people": 9, "reference_people": 8})
    rows = rows.assign(gap=-2.0, gap_low=-3.0, gap_high=1.0, total_gap=-2.0 * len(groups), total_low=-12.0, total_high=-1.0)
    return rows.assign(scale="points", confidence=0.95, reason="")


def banded(groups):
    return each(groups, metric="selection_rate", ratio=0.9, ratio_lowest=0.7, ratio_highest=1.1, unknown=3.0)


PLOTS = {
    "heatmap": (disparities, lambda rows, **more: plot_heatmap(rows, bounds=BOUNDS, **more)),
    "lattice": (judged, plot_lattice),
    "roc": (swept, lambda rows, **more: plot_roc(rows, cutoff=1.0, **more)),
    "sweep": (swept, lambda rows, **more: plot_sweep(rows, cutoff=1.0, **more)),
    "sweep of ratios": (swept, lambda rows, **more: plot_sweep(rows, show="ratio", bounds=BOUNDS, **more)),
    "calibration": (calibrated, plot_group_calibration),
    "funnel": (funnelled, plot_funnel),
    "waterfall": (driven, plot_waterfall),
    "bounds": (banded, lambda rows, **more: plot_bounds(rows, bounds=BOUNDS, **more)),
}
every_plot = pytest.mark.parametrize("name", PLOTS)


@every_plot
def test_the_same_rows_give_the_same_bytes_and_nothing_is_left_behind(name):
    made, plot = PLOTS[name]
    before = dict(mpl.rcParams)
    first, second = (to_svg(plot(made(["a", "b", "c"])), "p") for _ in range(2))
    assert first == second
    assert dict(mpl.rcParams) == before
    assert "http" not in first.replace("http://www.w3.org/", "")
    ids = re.findall(r'\bid="([^"]+)"', first)
    assert len(ids) == len(set(ids))


def test_no_plot_opens_pyplot():
    assert "matplotlib.pyplot" not in {name for name in sys.modules if name.startswith("scoring")}
    assert not any("pyplot" in vars(sys.modules[name]) for name in sys.modules if name.startswith("scoring.plots"))


@every_plot
@pytest.mark.parametrize("language", LANGUAGES)
def test_labels_are_words_and_never_mathematics_or_markup(name, language):
    made, plot = PLOTS[name]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        svg = to_svg(plot(made(HOSTILE), language=language), "p")
    assert "<script" not in svg
    assert "&lt;script&gt;" in svg
    assert "$\\frac{a}$" in svg
    assert "_hidden" in svg
    assert "漢字" in svg
    assert not re.search(r"[\x00-\x08\x0b-\x1f]", svg)


@every_plot
def test_no_rows_are_said_to_be_none(name):
    made, plot = PLOTS[name]
    for rows in (made(["a"]).iloc[:0], pd.DataFrame()):
        axes = plot(rows, language="fr")
        assert [text.get_text() for text in axes.texts] == ["Il n'y a rien à dessiner\u202f: le tableau n'a pas de lignes."]


@every_plot
def test_it_draws_on_axes_that_are_handed_in(name):
    made, plot = PLOTS[name]
    given = Figure(figsize=(8, 5)).add_subplot()
    assert plot(made(["a", "b"]), ax=given) is given
    assert given.lines or given.patches


@every_plot
def test_the_rows_are_left_as_they_are(name):
    made, plot = PLOTS[name]
    rows = made(["a", "b"])
    plot(rows)
    pd.testing.assert_frame_equal(rows, made(["a", "b"]))


@every_plot
def test_names_of_attributes_follow_the_reader(name):
    made, plot = PLOTS[name]
    svg = to_svg(plot(made(["a", "b"]), language="fr", titles={"region": {"en": "Area", "fr": "Contrée"}}), "p")
    assert "Contrée" in svg
    assert "Area" not in svg


@every_plot
def test_rows_with_any_index_draw_the_same(name):
    made, plot = PLOTS[name]
    rows = made(["a", "b"])
    assert to_svg(plot(rows), "p") == to_svg(plot(rows.set_axis([7] * len(rows))), "p")


@every_plot
def test_two_rows_for_one_place_are_refused(name):
    made, plot = PLOTS[name]
    rows = made(["a"])
    with pytest.raises(EquiscoreError, match="Fix:"):
        plot(pd.concat([rows, rows]))


@pytest.mark.parametrize("name", ["roc", "sweep", "calibration"])
def test_more_groups_than_looks_are_counted(name):
    made, plot = PLOTS[name]
    axes = plot(made([f"g{k}" for k in range(len(LOOKS) + 3)]))
    assert len([line for line in axes.lines if str(line.get_gid()).startswith("line")]) == len(LOOKS)
    assert [text.get_text() for text in axes.texts if text.get_gid() == "left-off"] == ["3 more groups are not drawn; the table has them."]


@pytest.mark.parametrize(("name", "most"), [("heatmap", 40), ("bounds", 40), ("funnel", 10), ("waterfall", 20)])
def test_long_lists_are_cut_and_say_so(name, most):
    made, plot = PLOTS[name]
    axes = plot(made([f"g{k}" for k in range(most + 1)]))
    assert [text.get_text()[:6] for text in axes.texts if text.get_gid() == "left-off"] == ["1 more"]


@pytest.mark.parametrize("name", ["roc", "sweep", "calibration", "funnel"])
def test_a_plot_of_one_attribute_refuses_two(name):
    made, plot = PLOTS[name]
    two = pd.concat([made(["a"]), made(["a"]).assign(attribute="sex")])
    with pytest.raises(EquiscoreError, match="2 values of 'attribute'"):
        plot(two)


@pytest.mark.parametrize("name", ["lattice", "bounds"])
def test_one_metric_at_a_time(name):
    made, plot = PLOTS[name]
    two = pd.concat([made(["a"]), made(["a"]).assign(metric="true_positive_rate")])
    with pytest.raises(EquiscoreError, match="2 values of 'metric'"):
        plot(two)
    assert plot(two, metric="true_positive_rate").get_figure() is not None


@pytest.mark.parametrize("language", LANGUAGES)
def test_metrics_have_the_names_of_the_table_of_metrics(language):
    table = METRICS | COMPOSITES
    assert {name: metric_title(name, language) for name in table} == {name: getattr(metric, language) for name, metric in table.items()}


def test_looks_differ_in_colour_dashes_and_marker_and_in_grey():
    for side in ("colour", "marker"):
        assert len({getattr(look, side) for look in LOOKS}) == len(LOOKS)
    assert len({str(look.dashes) for look in LOOKS}) == len(LOOKS)
    for look in LOOKS:  # on white paper each is dark enough to be seen as a line (WCAG 1.4.11: 3 to 1)
        channels = np.array(mpl.colors.to_rgb(look.colour))
        linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
        assert 1.05 / (linear @ [0.2126, 0.7152, 0.0722] + 0.05) >= 3, look


def test_the_cutoff_drawn_is_the_nearest_of_the_rows():
    rows = pd.DataFrame({"cutoff": [1.0, 2.0, 3.0]})
    assert nearest_cutoff(rows, 2.2) == 2.0
    assert nearest_cutoff(rows, None) is None


def test_titles_of_combinations_and_wrapped_words():
    assert attribute_title("sex x age", "en", {"sex": {"en": "Sex"}}) == "Sex x age"
    assert "\x00" not in wrapped("a\x00b", 10)
