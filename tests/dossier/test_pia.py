"""The PIA of a study: five keys, 36 answers, nothing signed for anybody, what is missing said with who must supply it."""

import html
import json
import re
from datetime import date
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.dossier.pia import Answers, Control, Given, answers_of, check_pia, pia_bytes, pia_file, pia_of, simulate_import, write_pia
from scoring.dossier.pia.build import missing
from scoring.dossier.pia.markup import Passage, plain, rich, visible
from scoring.dossier.pia.tree import QUESTIONS, SUPPLIED_BY
from scoring.dossier.view import View
from scoring.errors import EquiscoreError
from scoring.texts import say

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT.parent / "shared/law/pia_schema.json"
DAY = date(2026, 1, 15)
HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "</p><iframe src=//evil>",
    '=HYPERLINK("http://evil","x")',
    "#eval(1) $x$ *b* @a {{ 7*7 }} `rm -rf` $(id)",
    "\u202eesrever\u2066x\u200b\ufeff\x00\x1b[31m",
    "\ud800 alone",
    "الخصوصية 👩\u200d💻 漢字",
    "&lt;script&gt; &amp; < 25 and > 3",
    "one\r\ntwo\u2028three",
    "x" * 1_000_000,
]
DPO = {"recorded_by": "D. Protection", "names": "D. Protection", "status": 1, "opinion": "Favourable, with the action plan."}
PEOPLE = {"recorded_by": "R. Lead", "searched": False, "reason": "The panel meets in March."}


def evaluations(made, **more):
    refs = ["1.1", "1.2", *[f"2.{1 + n // 220}.{n}" for n in QUESTIONS if 200 < n < 300]]
    refs += [f"3.1.{row['id']}" for row in made["measures"]] + ["3.2", "3.3", "3.4"]
    return [{"recorded_by": "E. Evaluator", "on": ref, "status": 3, "completed": True, **more} for ref in refs]


def signed(study, **more):
    """A study's PIA with all that humans may record."""
    draft = pia_of(study, on=DAY)
    return pia_of(study, on=DAY, recorded={"dpo": DPO, "concerned_people": PEOPLE, "evaluations": evaluations(draft), **more})


def answer(made, number):
    return next(row["data"] for row in made["answers"] if row["reference_to"] == number)


def said(made, number):
    return html.unescape(re.sub("<[^>]+>", " ", answer(made, number)["text"]))


@pytest.fixture(scope="module", params=["credit_study", "small_study", "hostile_study"])
def study(request):
    return request.getfixturevalue(request.param)


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_file_of_any_study_is_a_draft_with_every_question_answered(study, language):
    made = pia_of(study, language, on=DAY)
    assert list(made) == ["pia", "answers", "measures", "evaluations", "comments"]
    assert [row["reference_to"] for row in made["answers"]] == list(QUESTIONS)
    assert len(QUESTIONS) == 36
    assert (made["pia"]["status"], made["evaluations"], made["pia"]["progress"]) == (0, [], 30.0)
    spoken = [made["pia"][key] for key in made["pia"] if key.startswith(("dpo", "concerned", "people"))]
    assert spoken == [None] * 8
    assert check_pia(made) == []
    assert simulate_import(made)[1] == 30.0


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_file_fits_the_schema_of_the_import(study, language):
    if not SCHEMA.is_file():
        pytest.skip("../shared/law/pia_schema.json is not here")
    jsonschema = pytest.importorskip("jsonschema")
    validator = jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))
    assert not list(validator.iter_errors(pia_of(study, language, on=DAY)))
    assert not list(validator.iter_errors(signed(study, validation={"recorded_by": "V. Validator", "status": 2})))


def test_progress_is_30_then_36_then_96_then_100(credit_study):
    draft = pia_of(credit_study, on=DAY)
    with_opinions = pia_of(credit_study, on=DAY, recorded={"dpo": DPO, "concerned_people": PEOPLE})
    found = [draft, with_opinions, signed(credit_study), signed(credit_study, validation={"recorded_by": "V. Validator", "status": 2})]
    assert [simulate_import(made)[1] for made in found] == [30, 36, 96, 100] == [made["pia"]["progress"] for made in found]
    assert all(check_pia(made) == [] for made in found)


def test_the_same_study_is_the_same_bytes_and_reads_back(credit_study, tmp_path):
    made = pia_of(credit_study, "fr")
    assert pia_bytes(made) == pia_bytes(pia_of(credit_study, "fr"))
    assert json.loads(write_pia(made, tmp_path / "pia.json").read_bytes()) == made
    assert made["pia"]["created_at"] == f"{credit_study.plan.as_of.isoformat()}T00:00:00.000Z"


def test_a_faulty_file_is_not_written(credit_study, tmp_path):
    made = {**pia_of(credit_study), "extra": 1}
    with pytest.raises(EquiscoreError, match="no such key"):
        write_pia(made, tmp_path / "pia.json")
    assert not list(tmp_path.iterdir())


def test_a_study_without_a_day_asks_for_one(small_study):
    with pytest.raises(EquiscoreError, match=r"Fix: declare study\.as_of"):
        pia_of(small_study)


def test_the_study_of_exclusion_stands_where_the_software_has_room(credit_study):
    made = pia_of(credit_study, "fr", on=DAY)
    assert "1\u202f000 personnes étudiées" in said(made, 111)
    assert "Une exclusion ne peut pas être écartée pour 3 groupes" in said(made, 111)
    assert "604 obtiennent la décision favorable et 396 (39,6\u202f%) ne l'obtiennent pas" in said(made, 211)  # 60.4 % accepted, as the cut-off says
    assert "critères recensés ici" in said(made, 212)
    assert "Variables du score (17)" in said(made, 213)
    assert "396 personnes sur 1\u202f000" in said(made, 225)
    assert "groupes obtiennent moins souvent" in said(made, 221)
    for number in (321, 331, 341):
        assert {"Exclusion d'un contrat ou d'une offre", "Discrimination"} <= set(answer(made, number)["list"])
    assert "Score faux ou biaisé" in answer(made, 332)["list"]


def test_the_people_counted_are_those_of_the_file(small_study):
    frame_rows, selected = 900, int(small_study.rates(metrics=["selection_rate"]).query("attribute == 'sex'")["hits"].sum())
    assert f"of {frame_rows} people studied, {selected} obtain" in said(pia_of(small_study, on=DAY), 211)


def test_what_is_missing_names_who_must_supply_it(small_study):
    made = pia_of(small_study, on=DAY)
    for number, piece in {
        112: "controller",
        113: "standards",
        121: "data",
        122: "life_cycle",
        215: "retention",
        222: "consent",
        227: "transfers",
    }.items():
        assert missing(piece, "en") in said(made, number)
    assert missing("threats", "en") in answer(made, 322)["list"]
    assert made["measures"][0]["title"] == "To be completed: measures" == answer(made, 324)["list"][0]
    assert "Missing: name of the author" in made["pia"]["author_name"]


def test_a_gauge_that_nobody_set_stands_at_its_highest_and_says_so(small_study):
    made = pia_of(small_study, on=DAY)
    for number in (325, 326, 335, 336, 345, 346):
        assert answer(made, number)["gauge"] == 4
        assert "nobody has assessed it" in said(made, number)
        assert any(row["reference_to"] == number for row in made["comments"])


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("piece", sorted(SUPPLIED_BY))
def test_every_piece_has_a_name_and_somebody_who_supplies_it(piece, language):
    assert say(f"pia.need_{piece}", language) in missing(piece, language)


DECLARED = {
    "description": "D", "life_cycle": "L", "supports": ["S1"], "volume": "V", "standards": ["N1"], "prohibited_uses": ["U1"], "diversion_check": "K",
    "contracts": [{"party": "Host", "role": "processor", "object": "Hosting", "clauses": ["audit"], "signed": "2026-01-01", "licence": None}],
    "origins": [{"source": "Form", "collected": "At the counter", "updated": "Daily", "external": None}], "quality": "Q", "necessity": "W",
    "variables": {"age_in_years": {"purpose": "P", "kept": True, "reason": None, "sensitive": True}},
    "notices": [{"to": "All", "when": "Before", "says": {"en": "English notice", "fr": "Notice française"}, "version": None}],
    "consent": "C", "balance": "B",
    "rights": {name: {"how": f"how {name}", "days": 30} for name in
               ("access", "rectification", "erasure", "restriction", "portability", "objection", "human_review", "explanation")},
    "oversight": "O", "complaints": "Z", "intended_use": "I",
    "measures": {"a": {"title": "Second look", "content": "Each refusal", "kind": "exclusion", "in_place": False,
                       "owner": "Head", "due": "2026-12-31"},
                 "b": {"title": "Backups", "content": "Nightly", "kind": "technical", "in_place": True, "owner": None, "due": None}},
    "risks": {name: {"impacts": [f"I {name}"], "threats": [f"T {name}"], "sources": [f"S {name}"], "measures": measures, "severity": severity,
                     "likelihood": 2, "reason": "R", "residual_severity": 1, "residual_likelihood": None}
              for name, measures, severity in (("access", ["b"], 1), ("modification", ["a"], 2),
                                                   ("disappearance", ["b"], 2), ("exclusion", ["a"], 3))},
}  # fmt: skip


def test_what_is_declared_is_not_said_to_be_missing(credit_study):
    facts = dict.fromkeys(
        ("solely_automated", "score_decisive", "logic_explained", "refusal_notice", "human_review_with_authority", "contest_channel"), "yes"
    )
    made = pia_of(credit_study, declared=DECLARED, facts=facts)
    left = {row["reference_to"] for row in made["answers"] if "Missing" in json.dumps(row["data"]) or "supplied" in json.dumps(row["data"])}
    assert left == {213, 226}  # a reason for each variable, and seven clauses, which are not declared
    assert "security; sub-processors" in said(made, 226)
    assert "audit" not in said(made, 226)
    assert "Yes." in said(made, 111)
    assert "English notice" in said(made, 221)
    assert "Notice française" in said(pia_of(credit_study, "fr", declared=DECLARED), 221)


def test_declared_risks_keep_their_levels_and_measures(credit_study):
    made = pia_of(credit_study, declared=DECLARED)
    assert [answer(made, n)["gauge"] for n in (325, 326, 335, 336, 345, 346)] == [1, 2, 3, 2, 2, 2]  # 3.3 takes the higher of itself and exclusion
    assert (answer(made, 324)["list"], answer(made, 334)["list"]) == (["Backups"], ["Second look"])
    assert answer(made, 332)["list"] == ["T modification", "T exclusion", "Wrong or biased score"]
    assert "Planned: Head, by 31 December 2026." in made["measures"][0]["content"]
    assert [row["title"] for row in made["measures"]][:2] == ["Second look", "Backups"]


def test_a_gap_is_answered_by_its_justification_or_said_to_lack_one(small_study):
    without = said(pia_of(small_study, on=DAY), 212)
    assert missing("justification", "en") in without
    row = next(row for _, row in View.of(small_study, "en").judged.iterrows() if row["verdict"] == "exclusion" and row["depth"] == 1)
    answered = {
        "attribute": row["attribute"],
        "group": row["group"],
        "metric": row["metric"],
        "measure": "Look again",
        "owner": "Head",
        "due": "2027-01-01",
    }
    within = said(pia_of(small_study, on=DAY, declared={"justifications": [answered]}), 212)
    assert "Answer declared by Head, due 1 January 2027" in within
    assert "Measure: Look again" in within
    assert within.count("Missing: justification") == without.count("Missing: justification") - 1


def test_no_small_group_is_in_the_file(small_study):
    assert "Minuscule" not in re.sub(r"\(joined: .*?\): ", "", json.dumps(pia_of(small_study, on=DAY), ensure_ascii=False))


RECORDED_FAULTS = [
    ({"dpo": {**DPO, "recorded_by": " "}}, "nobody is named"),
    ({"dpo": {**DPO, "status": "1"}}, "should be one of 0, 1"),
    ({"dpo": {**DPO, "status": True}}, "should be one of 0, 1"),
    ({"dpo": {**DPO, "opinion": ""}}, "opinion: missing"),
    ({"dpo": {**DPO, "opnion": "x"}}, "no such key"),
    ({"dpo": "yes"}, "not keys and values"),
    ({"dop": DPO}, "did you mean 'dpo'"),
    ({"concerned_people": {**PEOPLE, "searched": 0}}, "should be one of True, False"),
    ({"concerned_people": {**PEOPLE, "searched": True}}, "names: missing"),
    ({"evaluations": [{"recorded_by": "E", "on": "1.1", "status": 5}]}, "should be one of 1, 2, 3"),
    ({"evaluations": [{"recorded_by": "E", "on": "3.1.99", "status": 3}]}, "a measure that is not there"),
    ({"evaluations": [{"recorded_by": "E", "on": "3.3", "status": 2, "action_plan": "x"}]}, "no level after the measures"),
    ({"validation": {"recorded_by": "V", "status": 2}}, "without the opinions"),
    ({"dpo": DPO, "concerned_people": PEOPLE, "validation": {"recorded_by": "V", "status": 3}}, "not complete"),
    ({"validation": {"recorded_by": "V", "status": 1}}, "refused without a reason"),
]


@pytest.mark.parametrize(("recorded", "words"), RECORDED_FAULTS)
def test_nothing_is_taken_that_no_human_recorded_whole(credit_study, recorded, words):
    with pytest.raises(EquiscoreError, match=re.escape(words)):
        pia_of(credit_study, recorded=recorded)


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found, self.text = [], ""

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, attrs))

    def handle_data(self, data):
        self.text += data


def tags_of(text):
    parser = Tags()
    parser.feed(text)
    parser.close()
    return parser


def hostile_answers(text):
    passage = Passage(text, (text, text) if len(text) < 1000 else ())
    given_ = {number: Given((passage,), (text,), 2) for number in QUESTIONS}
    controls = (Control(text, (passage,)), Control(text, (passage,)))
    return Answers("en", DAY, text, given_, controls, text, text, text, text, ((111, text),))


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_stays_text_in_every_field(text):
    words = dict.fromkeys(("names", "opinion", "reason", "comment", "recorded_by"), text)
    dpo, people = {**{k: words[k] for k in ("recorded_by", "names", "opinion")}, "status": 0}, {"recorded_by": "R", "searched": False, "reason": text}
    made = pia_file(hostile_answers(text), {"dpo": dpo, "concerned_people": people})
    assert check_pia(made) == []
    assert simulate_import(made)[1] == 36
    read = json.loads(pia_bytes(made))
    assert read == made
    for row in read["answers"]:
        found = tags_of(row["data"]["text"] or "").found
        assert {tag for tag, _ in found} <= {"p", "ul", "li", "br", "strong"}
        assert not any(attributes for _, attributes in found)
    for field in [*read["pia"].values(), *[row["title"] for row in read["measures"]], *answer(read, 321)["list"], read["comments"][0]["description"]]:
        assert not isinstance(field, str) or not tags_of(field).found
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b\ufeff\x00-\x08\x1b]", pia_bytes(made).decode())


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_shown_as_written_and_nothing_of_it_is_a_tag(text):
    parser = tags_of(rich([Passage(text)]))
    assert {tag for tag, _ in parser.found} <= {"p", "br"}
    assert parser.text == visible(text).strip().replace("\n", "")
    assert not tags_of(plain(text)).found


def test_a_hostile_study_and_declaration_run_nothing(hostile_study):
    declared = {"description": HOSTILE[0], "supports": HOSTILE, "standards": HOSTILE, "consent": HOSTILE[1], "category": HOSTILE[0]}
    made = pia_of(hostile_study, "fr", declared=declared, on=DAY)
    assert not re.search("<(script|img|iframe)", json.dumps(made))


def test_two_measures_of_one_title_stay_two():
    made = pia_file(Answers("en", DAY, "n", controls=(Control("A", ()), Control("A", ()), Control("A (2)", ()))))
    assert [row["title"] for row in made["measures"]] == ["A", "A (2)", "A (2) (2)"]
    assert check_pia(made) == []


def test_the_file_is_made_of_texts_of_its_language():
    rooms = {lang: yaml.safe_load((ROOT / f"scoring/texts/{lang}/pia.yaml").read_text(encoding="utf-8")) for lang in ("en", "fr")}
    same = {key for key in rooms["en"] if rooms["en"][key] == rooms["fr"][key]}
    assert same == {"fact", "clause_audit", "impact_discrimination"}
    without = {key: re.sub(r"\{[^}]*\}", "x", text) for key, text in rooms["fr"].items()}
    assert not {key: text for key, text in without.items() if re.search(r" [;:?!%»]|« ", text)}


def test_weights_are_said_beside_weighted_counts():
    import scoring

    frame = pd.DataFrame({"g": ["a", "b"] * 60, "y": [1, 0, 1, 1] * 30, "w": [2.0, 1.0] * 60})
    made = pia_of(scoring.audit(frame, decision="y", favourable=1, groups=["g"], weights="w"), on=DAY)
    assert "weighted" in said(made, 211)


def test_answers_are_plain_values_that_may_be_changed_by_copy(credit_study):
    answers = answers_of(View.of(credit_study, "en"))
    assert set(answers.given) == set(QUESTIONS)
    assert answers.on == credit_study.plan.as_of
