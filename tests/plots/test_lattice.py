"""The flagged groups and all that hold them, once each; edges only between neighbours."""

import itertools

import numpy as np
import pandas as pd
import pytest

from scoring.plots.lattice import MOST, plot_lattice


def group(conditions, verdict="within tolerance", **more):
    names, levels = zip(*conditions.items(), strict=True)
    row = {"attribute": " x ".join(names), "group": " x ".join(levels), "levels": levels, "depth": len(names), "metric": "selection_rate"}
    return row | {"verdict": verdict, "under": "", "ratio": 0.9, "people": 50} | more


ROWS = [
    group({"sex": "F", "age": "66+", "area": "q"}, "exclusion", ratio=0.4, people=12),
    group({"area": "q"}, "exclusion", ratio=0.6),
    group({"sex": "F", "area": "q"}, "exclusion", ratio=0.55, under="area: q"),
    group({"sex": "F"}),
    group({"age": "66+"}),
    group({"sex": "F", "age": "66+"}, "undetermined"),
    group({"age": "66+", "area": "q"}),
    group({"sex": "M"}),
    group({"sex": "M", "age": "66+"}),
]


def names(axes):
    found = {text.get_gid(): text.get_text().replace("\n", " ") for text in axes.texts if str(text.get_gid()).startswith("name")}
    return {int(gid.removeprefix("name-")): text for gid, text in found.items()}


def edges(axes):
    labels = names(axes)
    pairs = [line.get_gid().split("-")[1:] for line in axes.lines if str(line.get_gid()).startswith("edge")]
    return {(labels[int(a)], labels[int(b)]) for a, b in pairs}


def test_flagged_groups_and_all_that_hold_them_are_drawn_and_no_others():
    drawn = set(names(plot_lattice(pd.DataFrame(ROWS))).values())
    assert drawn == {
        *("sex: F", "age: 66+", "area: q", "sex: F; area: q", "sex: F; age: 66+", "age: 66+; area: q"),
        "sex: F; age: 66+; area: q",
    }


def test_edges_join_a_group_to_the_combinations_just_inside_it():
    found = edges(plot_lattice(pd.DataFrame(ROWS)))
    assert ("sex: F", "sex: F; area: q") in found
    assert ("sex: F; area: q", "sex: F; age: 66+; area: q") in found
    assert ("sex: F", "sex: F; age: 66+; area: q") not in found
    assert len(found) == 9


def test_without_the_group_between_an_edge_skips_a_column():
    deep = [ROWS[0], ROWS[3]]
    assert edges(plot_lattice(pd.DataFrame(deep))) == {("sex: F", "sex: F; age: 66+; area: q")}


def test_ratio_and_n_are_those_of_the_rows():
    axes = plot_lattice(pd.DataFrame(ROWS), language="fr")
    said = {text.get_gid(): text.get_text() for text in axes.texts}
    place = next(k for k, name in names(axes).items() if name.count(";") == 2)
    assert said[f"ratio-{place}"] == "rapport 0,40 · n\u00a0=\u00a012"


def test_a_part_of_an_excluded_group_is_hollow_and_its_frame_broken():
    axes = plot_lattice(pd.DataFrame(ROWS))
    place = next(k for k, name in names(axes).items() if name == "sex: F; area: q")
    marks = {line.get_gid(): line for line in axes.lines}
    assert marks[f"mark-{place}"].get_markerfacecolor() == "white"
    frames = {patch.get_gid(): patch.get_linestyle() for patch in axes.patches}
    assert [gid for gid, style in frames.items() if style not in {"-", "solid"}] == [f"node-{place}"]


def test_columns_go_by_depth_and_nodes_do_not_overlap():
    axes = plot_lattice(pd.DataFrame(ROWS))
    boxes = [patch.get_bbox() for patch in axes.patches]
    assert len({round(box.x0, 6) for box in boxes}) == 3
    for one, other in itertools.combinations(boxes, 2):
        assert one.x1 <= other.x0 or other.x1 <= one.x0 or one.y1 <= other.y0 or other.y1 <= one.y0


def test_many_groups_are_cut_and_counted_those_that_stand_first():
    parts = [group({"sex": "F", "shop": f"s{k}"}, "exclusion", under="sex: F") for k in range(60)]
    alone = [group({"town": f"t{k}"}, "leaning") for k in range(5)]
    axes = plot_lattice(pd.DataFrame([*parts, group({"sex": "F"}, "exclusion"), *alone]))
    drawn = set(names(axes).values())
    assert len(drawn) <= MOST
    assert {f"town: t{k}" for k in range(5)} <= drawn
    told = next(text.get_text() for text in axes.texts if text.get_gid() == "left-off")
    assert told.startswith(f"{66 - len(drawn)} more groups with exclusion")


def test_no_flagged_group_is_no_clearance():
    axes = plot_lattice(pd.DataFrame(ROWS[3:]))
    assert "not a clearance" in axes.texts[0].get_text()


def test_a_ratio_that_is_not_defined_is_a_dash():
    axes = plot_lattice(pd.DataFrame([group({"sex": "F"}, "leaning", ratio=np.nan)]))
    assert any(text.get_text().startswith("ratio –") for text in axes.texts)


@pytest.mark.parametrize("under", [np.nan, None, ""])
def test_under_may_be_missing(under):
    assert names(plot_lattice(pd.DataFrame([group({"sex": "F"}, "exclusion", under=under)]))) == {0: "sex: F"}
