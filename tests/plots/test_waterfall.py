"""Each part begins where the one before it ends, and the whole is the sum that the rows give."""

import numpy as np
import pandas as pd
import pytest

from scoring.inquiry.drivers import drivers
from scoring.models.explaining.contributions import POINTS, Contributions
from scoring.plots import waterfall
from scoring.plots.waterfall import OTHERS, plot_waterfall


@pytest.fixture
def rows():
    rng = np.random.default_rng(8)
    sex = rng.choice(["F", "M"], 80)
    parts = rng.normal(0, 5, (80, 4)) - 4 * (sex == "F")[:, None] * np.array([2, -1, 0.5, 0])
    found = drivers(Contributions(("pay", "home", "age", "job"), parts, 500.0, 500 + parts.sum(1)), sex, attribute="sex")
    return found[found["group"] == "F"].reset_index(drop=True)


def bars(axes):
    return [patch for patch in axes.patches if str(patch.get_gid()).startswith("part")]


def test_bars_are_the_parts_of_the_rows_end_to_end(rows):
    drawn = bars(plot_waterfall(rows))
    assert [bar.get_width() for bar in drawn] == pytest.approx([*rows["gap"], rows["total_gap"].iloc[0]])
    assert [bar.get_x() for bar in drawn] == pytest.approx([0, *np.cumsum(rows["gap"])[:-1], 0])
    assert drawn[-2].get_x() + drawn[-2].get_width() == pytest.approx(rows["total_gap"].iloc[0])


def test_intervals_stand_at_the_end_of_each_bar(rows):
    axes = plot_waterfall(rows)
    drawn = [line.get_xdata() for line in axes.lines if str(line.get_gid()).startswith("interval")]
    starts = np.append(0, np.cumsum(rows["gap"])[:-1])
    for ends, start, (_, row) in zip(drawn[:-1], starts, rows.iterrows(), strict=True):
        assert tuple(ends) == pytest.approx((start + row["gap_low"], start + row["gap_high"]))
    assert tuple(drawn[-1]) == pytest.approx((rows["total_low"].iloc[0], rows["total_high"].iloc[0]))


def test_what_lowers_is_hatched(rows):
    for bar, gap in zip(bars(plot_waterfall(rows)), rows["gap"], strict=False):
        assert bool(bar.get_hatch()) == (gap < 0)


def test_numbers_are_written_in_the_language_of_the_reader(rows):
    said = {text.get_gid(): text.get_text() for text in plot_waterfall(rows, language="fr").texts}
    first = rows.iloc[0]
    wanted = f"{first['gap']:.1f} ({first['gap_low']:.1f} à {first['gap_high']:.1f})".replace(".", ",").replace("-", "\u2212")
    assert said["said-0"] == wanted
    assert waterfall._POINTS == POINTS


def test_a_part_without_a_number_is_a_dash_and_no_bar(rows):
    odd = rows.assign(gap=rows["gap"].mask(rows.index == 1), gap_low=np.nan, gap_high=np.nan)
    axes = plot_waterfall(odd)
    assert len(bars(axes)) == len(rows)
    assert {text.get_gid(): text.get_text() for text in axes.texts}["said-1"] == "– (– to –)"


def test_without_a_rest_the_reason_stands(rows):
    alone = rows.assign(gap=np.nan, total_gap=np.nan, reason="everybody")
    axes = plot_waterfall(alone, language="fr")
    assert not axes.patches
    assert "tous" in axes.texts[0].get_text() or "groupe" in axes.texts[0].get_text()


def test_beyond_the_most_nothing_is_joined_but_the_way_to_the_whole_is_dotted(rows):
    many = pd.concat([rows.iloc[:1]] * 25, ignore_index=True).assign(feature=[f"f{k}" for k in range(25)], gap=-1.0, total_gap=-25.0)
    axes = plot_waterfall(many)
    assert len(bars(axes)) == 21
    jump = next(line for line in axes.lines if line.get_gid() == "jump")
    assert tuple(jump.get_xdata()) == pytest.approx((-20.0, -25.0))
    assert any("5 more features" in text.get_text() for text in axes.texts)


def test_a_row_that_joins_features_is_named_so(rows):
    joined = rows.assign(feature=[*rows["feature"][:3], OTHERS], features=[np.nan, np.nan, np.nan, 7])
    assert any(text.get_text() == "autres variables (7)" for text in plot_waterfall(joined, language="fr").texts)
