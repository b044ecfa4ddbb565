"""Every harmful change of a PIA file is refused with a message; and what is accepted, the software takes whole."""

import copy
import json
import math
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.dossier.pia import Answers, Control, check_pia, pia_file, simulate_import
from scoring.dossier.pia.markup import Passage
from scoring.dossier.pia.tree import KEYS, QUESTIONS

LAW = Path(__file__).parents[2].parent / "shared/law"
DAY = date(2026, 1, 15)
PLACES = ["1.1", "1.2", *[f"2.1.{n}" for n in range(211, 216)], *[f"2.2.{n}" for n in range(221, 228)], "3.1.1", "3.1.2", "3.2", "3.3", "3.4"]
RECORDED = {
    "dpo": {"recorded_by": "D", "names": "D", "status": 1, "opinion": "Favourable."},
    "concerned_people": {"recorded_by": "R", "searched": True, "names": "Panel", "status": 0, "opinion": "Mixed."},
    "evaluations": [
        {"recorded_by": "E", "on": on, "status": 2, "completed": True, "action_plan": "Do it.", "severity": 2, "likelihood": 1} for on in PLACES
    ],
    "validation": {"recorded_by": "V", "status": 2},
}
_ANSWERS = Answers(
    "en", DAY, "Scoring", controls=(Control("A", (Passage("a"),)), Control("B", (Passage("b"),))), remarks=((213, "See the dossier."),)
)
DRAFT, WHOLE = pia_file(_ANSWERS), pia_file(_ANSWERS, RECORDED)


def pick(draw, rows):
    return rows[draw(st.integers(0, len(rows) - 1))]


def row_of(file, draw, number_kind=None):
    rows = [row for row in file["answers"] if number_kind is None or QUESTIONS[row["reference_to"]] == number_kind]
    return pick(draw, rows)


def set_to(path, value):
    def change(file, draw):
        holder = file
        for key in path[:-1]:
            holder = pick(draw, holder) if key == "*" else holder[key]
        holder[path[-1]] = value

    return change


def drop(path):
    def change(file, draw):
        holder = file
        for key in path[:-1]:
            holder = pick(draw, holder) if key == "*" else holder[key]
        del holder[path[-1]]

    return change


def number_as_text(file, draw):
    row = row_of(file, draw)
    row["reference_to"] = str(row["reference_to"])


def answered_twice(file, draw):
    row = copy.deepcopy(row_of(file, draw))
    file["answers"].append({**row, "id": 999})


def answer_lost(file, draw):
    file["answers"].remove(row_of(file, draw))


def empty_text(file, draw):
    row_of(file, draw, "text")["data"]["text"] = draw(st.sampled_from(["", "  ", None]))


def empty_list(file, draw):
    row_of(file, draw, "list")["data"]["list"] = draw(st.sampled_from([[], None, [""], [1], "A"]))


def no_gauge(file, draw):
    row_of(file, draw, "gauge")["data"]["gauge"] = draw(st.sampled_from([0, 5, -1, None, "3", 2.0, True]))


def stray_tag(file, draw):
    row = pick(draw, [row for row in file["answers"] if row["reference_to"] in {324, 334, 344}])
    row["data"]["list"] = [*row["data"]["list"], "No such measure"]


def measures_without_ids(file, draw):
    for row in file["measures"]:
        del row["id"]


def measures_of_one_id(file, draw):
    file["measures"][1]["id"] = file["measures"][0]["id"]


def measures_of_one_title(file, draw):
    file["measures"][1]["title"] = file["measures"][0]["title"]


def measure_gone(file, draw):
    file["measures"].remove(pick(draw, file["measures"]))


def script(file, draw):
    bad = draw(st.sampled_from(["<script>alert(1)</script>", "<p onclick=x>a</p>", "<img src=x>", "<!--", "</div>", "<svg/onload=x>"]))
    place = draw(st.sampled_from(["text", "content", "title", "name", "tag", "opinion"]))
    if place == "text":
        row_of(file, draw, "text")["data"]["text"] = bad
    elif place == "tag":
        row_of(file, draw, "list")["data"]["list"] = [bad]
    elif place in {"content", "title"}:
        pick(draw, file["measures"])[place] = bad
    else:
        file["pia"]["name" if place == "name" else "applied_adjustments"] = bad


ON_ANY = [
    set_to(["pia", "status"], "0"),
    set_to(["pia", "status"], None),
    set_to(["pia", "status"], 5),
    set_to(["pia", "status"], True),
    set_to(["pia", "status"], 1),
    set_to(["pia", "name"], ""),
    set_to(["pia", "dpo_status"], "1"),
    set_to(["pia", "dpo_status"], True),
    set_to(["pia", "concerned_people_searched_opinion"], 1),
    set_to(["pia", "concerned_people_searched_opinion"], "true"),
    set_to(["pia", "created_at"], None),
    set_to(["pia", "created_at"], "2026-02-30T00:00:00.000Z"),
    set_to(["pia", "created_at"], "15/01/2026"),
    set_to(["pia", "updated_at"], "2026-01-15T00:00:00"),
    set_to(["pia", "structure_id"], 3),
    set_to(["pia", "progress"], math.nan),
    set_to(["pia", "progress"], 101),
    set_to(["answers", "*", "data"], None),
    set_to(["answers", "*", "data"], {}),
    set_to(["answers", "*", "data"], "text"),
    set_to(["answers", "*", "reference_to"], None),
    set_to(["answers", "*", "reference_to"], 999),
    set_to(["answers", "*", "reference_to"], 111.0),
    set_to(["answers", "*", "pia_id"], 7),
    set_to(["measures", "*", "id"], "1"),
    set_to(["measures", "*", "title"], ""),
    set_to(["measures", "*", "content"], None),
    set_to(["measures", "*", "id"], -1),
    set_to(["comments", "*", "reference_to"], "213"),
    set_to(["comments", "*", "reference_to"], 1),
    set_to(["comments", "*", "for_measure"], True),
    set_to(["comments", "*", "description"], ""),
    *(drop([key]) for key in KEYS),
    *(set_to([key], value) for key in KEYS for value in (None, "x", 1)),
    *(set_to([key], {}) for key in KEYS),
    set_to(["pia"], []),
    set_to(["attachments"], []),
    set_to(["measures"], []),
    number_as_text, answered_twice, answer_lost, empty_text, empty_list, no_gauge, stray_tag, measures_without_ids, measures_of_one_id,
    measures_of_one_title, measure_gone, script,
]  # fmt: skip


def number_for_text(file, draw):
    row = pick(draw, file["evaluations"])
    row["reference_to"] = draw(st.sampled_from([1.1, 211, 32, None, 3.2]))


def object_object(file, draw):
    pick(draw, file["evaluations"])["reference_to"] = draw(st.sampled_from(["3.1.[object Object]", "3.1.99", "3.1.01", "2.1.221", "3.5", "3.1", ""]))


def evaluated_twice(file, draw):
    file["evaluations"].append({**pick(draw, file["evaluations"]), "id": 999})


def one_evaluation_lost(file, draw):
    row = pick(draw, file["evaluations"])
    places = [other for other in file["evaluations"] if other["reference_to"].rpartition(".")[0] == row["reference_to"].rpartition(".")[0]]
    for other in places if row["reference_to"].count(".") > 1 else [row]:
        file["evaluations"].remove(other)


ON_WHOLE = [
    number_for_text, object_object, evaluated_twice, one_evaluation_lost,
    set_to(["evaluations", "*", "status"], 0),
    set_to(["evaluations", "*", "status"], 1),
    set_to(["evaluations", "*", "status"], "3"),
    set_to(["evaluations", "*", "global_status"], 1),
    set_to(["evaluations", "*", "global_status"], "2"),
    set_to(["evaluations", "*", "action_plan_comment"], ""),
    set_to(["evaluations", 16, "gauges"], {"x": 0, "y": 0}),
    set_to(["evaluations", 16, "gauges"], {"x": "2", "y": 1}),
    set_to(["evaluations", 17, "gauges"], None),
    set_to(["evaluations", "*", "evaluation_date"], "tomorrow"),
    set_to(["pia", "dpos_names"], ""),
    set_to(["pia", "dpos_names"], None),
    set_to(["pia", "dpo_status"], None),
    set_to(["pia", "dpo_opinion"], " "),
    set_to(["pia", "people_names"], None),
    set_to(["pia", "concerned_people_searched_opinion"], False),
    set_to(["pia", "concerned_people_searched_opinion"], None),
]  # fmt: skip


def test_what_our_builder_writes_has_no_fault():
    assert check_pia(DRAFT) == [] == check_pia(WHOLE)
    assert (simulate_import(DRAFT)[1], simulate_import(WHOLE)[1]) == (30, 100)


@pytest.mark.parametrize("place", range(len(ON_ANY) + len(ON_WHOLE)))
@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_every_harmful_change_is_refused_with_a_message(place, data):
    change = [*ON_ANY, *ON_WHOLE][place]
    bases = [DRAFT, WHOLE] if place < len(ON_ANY) else [WHOLE]
    file = copy.deepcopy(data.draw(st.sampled_from(bases)))
    change(file, data.draw)
    faults = check_pia(file)
    assert faults
    assert all("Fix: " in fault and ": " in fault for fault in faults)


def leaves(value, path=()):
    yield path
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, below in inside:
        yield from leaves(below, (*path, key))


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-2, 400)
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["3.1.1", "1", "<b>", "2026-01-15T00:00:00Z"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "text", "gauge", "list", "x", "y"]), inner, max_size=3),
    max_leaves=5,
)


def changed(data):
    file = copy.deepcopy(data.draw(st.sampled_from([DRAFT, WHOLE])))
    *above, last = data.draw(st.sampled_from([path for path in leaves(file) if path]))
    holder = file
    for key in above:
        holder = holder[key]
    holder[last] = data.draw(JSON)
    return file


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_what_is_accepted_is_taken_whole_whatever_was_put_in_it(data):
    file = changed(data)
    state, progress = simulate_import(file)
    if not check_pia(file):
        assert state.error is None
        assert not state.lost
        assert progress >= 30
        assert len(state.evaluations) == len(file["evaluations"])


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_what_the_schema_refuses_is_refused(data):
    if not (LAW / "pia_schema.json").is_file():
        pytest.skip("../shared/law/pia_schema.json is not here")
    jsonschema = pytest.importorskip("jsonschema")
    validator = jsonschema.Draft202012Validator(json.loads((LAW / "pia_schema.json").read_text(encoding="utf-8")))
    file = changed(data)
    assert validator.is_valid(file) or check_pia(file)


@settings(max_examples=60, deadline=None)
@given(JSON)
def test_no_content_makes_check_or_simulator_fail(content):
    assert check_pia(content)
    simulate_import(content)
    for key in KEYS:
        assert check_pia({**DRAFT, key: content}) is not None
        simulate_import({**DRAFT, key: content})
