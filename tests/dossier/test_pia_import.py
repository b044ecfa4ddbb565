"""The model of the software's import does what was measured on the software itself."""

import copy
import json
import math
from pathlib import Path

import pytest

from scoring.dossier.pia import check_pia, simulate_import
from scoring.dossier.pia.tree import ITEMS, QUESTIONS

LAW = Path(__file__).parents[2].parent / "shared/law"


def example(name):
    path = LAW / f"{name}.json"
    if not path.is_file():
        pytest.skip(f"../shared/law/{name}.json is not here")
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.fixture
def whole():
    return example("pia_example")


def test_the_tree_has_eight_items_and_36_questions():
    assert [item.ref for item in ITEMS] == ["1.1", "1.2", "2.1", "2.2", "3.1", "3.2", "3.3", "3.4"]
    kinds = list(QUESTIONS.values())
    assert [kinds.count(kind) for kind in ("text", "list", "gauge")] == [18, 12, 6]


@pytest.mark.parametrize(("name", "progress"), [("pia_example", 100), ("pia_example_draft", 30), ("pia_minimal", 0)])
def test_the_examples_reach_their_documented_progress(name, progress):
    state, found = simulate_import(example(name))
    assert found == progress
    assert state.error is None
    assert not state.lost
    assert state.pia["name"].startswith("(IMPORT) ")


@pytest.mark.parametrize("name", ["pia_example", "pia_example_draft"])
def test_the_examples_have_no_fault(name):
    assert check_pia(example(name)) == []


def test_opinions_alone_give_36_and_all_validated_without_status_gives_96(whole):
    draft = example("pia_example_draft")
    draft["pia"] |= {key: value for key, value in whole["pia"].items() if key.startswith(("dpo", "people", "concerned"))}
    assert simulate_import(draft)[1] == 36
    whole["pia"]["status"] = 0
    state, progress = simulate_import(whole)
    assert progress == 96
    assert set(state.statuses.values()) == {7}


def test_answers_that_refer_by_text_fall_to_21(whole):
    for row in whole["answers"]:
        row["reference_to"] = str(row["reference_to"])
    state, progress = simulate_import(whole)
    assert int(progress) == 21  # measured on the software: 21 where 100 had been
    assert len(state.lost) >= 36
    assert state.statuses["3.1"] == 8


def test_ids_of_measures_are_mapped_and_without_them_their_evaluations_match_nothing(whole):
    state, _ = simulate_import(whole)
    assert {row["reference_to"] for row in state.evaluations} >= {f"3.1.{row['id']}" for row in state.measures}
    for row in whole["measures"]:
        del row["id"]
    assert simulate_import(whole)[0].statuses["3.1"] == 2


def test_one_number_among_references_loses_all_that_follow(whole):
    whole["evaluations"][2]["reference_to"] = 2.1
    state, _ = simulate_import(whole)
    assert len(state.evaluations) == 2
    assert "lost" in state.lost[0]


def test_an_answer_without_data_never_ends(whole):
    whole["answers"][3]["data"] = None
    state, progress = simulate_import(whole)
    assert "never ends" in state.error
    assert math.isnan(progress)


@pytest.mark.parametrize("file", [[], None, {}, {"pia": None}, {"answers": []}])
def test_what_is_no_pia_creates_nothing(file):
    state, progress = simulate_import(file)
    assert (state.pia, state.error) == (None, "wrong pia file")
    assert math.isnan(progress)


@pytest.mark.parametrize("key", ["answers", "measures", "comments"])
def test_a_missing_list_leaves_half_a_pia(whole, key):
    del whole[key]
    state, _ = simulate_import(whole)
    assert state.pia is not None
    assert key in state.error


def test_missing_evaluations_are_lost_without_a_word(whole):
    del whole["evaluations"]
    state, progress = simulate_import(whole)
    assert state.error is None
    assert progress == 40
    assert state.lost


def test_an_orphan_evaluation_of_a_measure_goes_unnoticed_by_the_software_and_not_by_us(whole):
    whole["evaluations"].append({**whole["evaluations"][-1], "id": 99, "reference_to": "3.1.77"})
    assert simulate_import(whole)[1] == 100
    assert any("3.1.77" in fault for fault in check_pia(whole))


@pytest.mark.parametrize("value", ["1", 2, None])
def test_an_opinion_whose_status_is_no_number_locks_validation(whole, value):
    whole["pia"]["dpo_status"] = value
    assert simulate_import(whole)[0].statuses["4.3"] == 0
    whole["pia"] |= {"dpo_status": 1, "concerned_people_searched_opinion": 1}
    assert simulate_import(whole)[0].statuses["4.3"] == 0


STATUSES = [
    ({"status": 0, "global_status": 0}, 4),
    ({"status": 1, "global_status": 1, "evaluation_comment": "x"}, 3),
    ({"status": 1, "global_status": 0, "evaluation_comment": "x"}, 6),
    ({"status": 1, "global_status": 0, "evaluation_comment": ""}, 5),
    ({"status": 2, "global_status": 0, "action_plan_comment": "x", "gauges": {"x": 1, "y": 1}}, 6),
    ({"status": 2, "global_status": 0, "action_plan_comment": "x", "gauges": {"x": 0, "y": 1}}, 5),
    ({"status": 3, "global_status": 0}, 6),
    ({"status": 3, "global_status": 2}, 8),
]


@pytest.mark.parametrize(("given", "status"), STATUSES)
def test_each_status_of_an_item_is_reached(whole, given, status):
    row = next(row for row in whole["evaluations"] if row["reference_to"] == "3.2")
    row |= {"evaluation_comment": None, "action_plan_comment": None} | given
    assert simulate_import(whole)[0].statuses["3.2"] == status


def test_an_item_with_one_answer_is_partly_filled_and_with_none_empty(whole):
    one = copy.deepcopy(whole)
    one["answers"] = [row for row in one["answers"] if row["reference_to"] == 111]
    statuses = simulate_import(one)[0].statuses
    assert (statuses["1.1"], statuses["1.2"]) == (1, 0)


@pytest.mark.parametrize(("status", "parsed"), [("2", 2), ("2abc", 2), (None, 0), ("x", 0), (3, 3), (True, 0)])
def test_the_status_is_read_as_javascript_does(whole, status, parsed):
    whole["pia"]["status"] = status
    assert simulate_import(whole)[0].pia["status"] == parsed
