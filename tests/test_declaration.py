"""Every fault of a declaration at once, each with file, line, key, what is wrong and the fix."""

import pytest

from scoring.activity import ProcessingActivity
from scoring.declaration import load_yaml
from scoring.errors import DeclarationError, EquiscoreError
from scoring.vocabulary import ColumnType, LegalBasis, Role

SHORT = """\
reference: A-1
name: Loans
controller: {name: A, contact: a@a.example}
purposes:
  - {name: Loans, legal_basis: contract}
persons: [Applicants]
data:
  - name: Income
recipients: []
transfers: []
retention:
  - {data: All, period: 6 months}
security: [Locks]
study:
  columns:
    sex: {type: text, roles: protected}
    granted: {type: text, roles: decision}
  groups:
    sex: {column: sex}
  decision: {column: granted, favourable: "yes"}
"""


@pytest.fixture
def said(tmp_path):
    """Write a declaration and return what is said of it, the name of the file left out."""

    def read(text):
        path = tmp_path / "activity.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        try:
            ProcessingActivity.read(path)
        except EquiscoreError as error:
            faults = getattr(error, "faults", None)
            return [str(fault).replace(str(path), "F") for fault in (faults.exceptions if faults else [error])]
        return []

    return read


def listed(words):
    *most, last = [f"'{word}'" for word in words]
    return f"{', '.join(most)} or {last}"


def change(old, new, text=SHORT):
    assert old in text
    return text.replace(old, new, 1)


def test_a_declaration_without_fault_is_read(said):
    assert said(SHORT) == []


def test_every_fault_comes_at_once_in_the_order_of_the_file(said):
    text = change("contract", "contrat", change("text, roles: decision", "txt, roles: decison", change("A-1", "''")))
    assert said(text) == [
        "F:1: reference: empty. Fix: write something there.",
        f"F:5: purposes[0].legal_basis: should be {listed(LegalBasis)} (it is 'contrat'). Fix: did you mean 'contract'?",
        f"F:17: study.columns.granted.roles: should be {listed(Role)} (it is 'decison'). Fix: did you mean 'decision'?",
        f"F:17: study.columns.granted.type: should be {listed(ColumnType)} (it is 'txt'). Fix: did you mean 'text'?",
        "F:17: study.columns.granted: used as decision, but without that role. Fix: add decision to its roles.",
    ]


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        pytest.param("controller:", "controler:", "F:3: controler: no such key. Fix: did you mean 'controller'?", id="of the first level"),
        pytest.param("legal_basis:", "legal_bases:", "F:5: purposes[0].legal_bases: no such key. Fix: did you mean 'legal_basis'?", id="in a list"),
        pytest.param("favourable:", "favorable:", "F:20: study.decision.favorable: no such key. Fix: did you mean 'favourable'?", id="optional"),
        pytest.param(
            "{column: sex}", "{column: sex, edge: [1]}", "F:19: study.groups.sex.edge: no such key. Fix: did you mean 'edges'?", id="of a group"
        ),
        pytest.param("study:", "studies:", "F:14: studies: no such key. Fix: did you mean 'study'?", id="the whole study"),
    ],
)
def test_a_slip_in_a_key_is_said_once_and_the_right_key_named(said, old, new, fault):
    assert [line for line in said(change(old, new)) if "which values are favourable" not in line] == [fault]


def test_a_key_that_nothing_is_near_to_names_all(said):
    assert said(change("{column: sex}", "{column: sex, zzzzzz: 1}")) == [
        "F:19: study.groups.sex.zzzzzz: no such key. Fix: use one of column, criterion, edges, labels, levels, title, undeclared."
    ]


def test_a_missing_key_with_no_slip_beside_it_is_missing(said):
    assert said(change("persons: [Applicants]\n", "")) == ["F: persons: missing. Fix: add it; `equiscore activity new` shows an example."]


def test_a_list_is_not_too_short_only_because_its_items_are_faulty(said):
    assert said(change("persons: [Applicants]", "persons: ['']")) == ["F:6: persons[0]: empty. Fix: write something there."]


def test_an_empty_list_where_one_is_needed_is_empty(said):
    assert said(change("persons: [Applicants]", "persons: []")) == ["F:6: persons: empty. Fix: list at least one."]


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        pytest.param("12", 'should be words or keys and values (it is 12). Fix: write it in quotation marks: "12".', id="number"),
        pytest.param("true", 'should be words or keys and values (it is True). Fix: write it in quotation marks: "true".', id="truth"),
        pytest.param("{e: x}", "should be 'en' or 'fr' (it is 'e'). Fix: did you mean 'en'?", id="language"),
        pytest.param("{en: ''}", "empty. Fix: write something there.", id="empty words"),
    ],
)
def test_words_by_language_say_one_fault_not_one_a_way(said, value, fault):
    (one,) = said(change("name: Loans", f"name: {value}"))
    assert one.split(": ", 2)[2] == fault


def test_a_key_written_twice_is_a_fault_with_both_lines(said):
    assert said(SHORT + "  seed: 1\n  seed: 2\n") == ["F:22: study.seed: written twice, also in line 21. Fix: keep one."]


def test_a_bracket_in_a_name_of_a_column_stays_in_the_place(said):
    assert said(change("    granted:", "    'amount[eur]': {type: nummer}\n    granted:")) == [
        f"F:17: study.columns.amount[eur].type: should be {listed(ColumnType)} (it is 'nummer'). Fix: did you mean 'number'?"
    ]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("yes", "yes"),
        ("no", "no"),
        ("NO", "NO"),
        ("on", "on"),
        ("off", "off"),
        ("y", "y"),
        ("true", True),
        ("False", False),
        ("null", None),
        ("01", "01"),
        ("08", "08"),
        ("010", "010"),
        ("1_000", "1_000"),
        ("1:30", "1:30"),
        ("2024-01-31", "2024-01-31"),
        ("0x1F", "0x1F"),
        ("0", 0),
        ("-7", -7),
        ("12", 12),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("2.5e-1", 0.25),
    ],
)
def test_little_is_read_into_words(tmp_path, written, value):
    (tmp_path / "a.yaml").write_text(f"level: {written}\n")
    content, _, _ = load_yaml(tmp_path / "a.yaml")
    assert content == {"level": value}
    assert type(content["level"]) is type(value)


def test_yes_and_no_stay_words_in_a_declaration(tmp_path):
    (tmp_path / "a.yaml").write_text(change('favourable: "yes"', "favourable: yes, unfavourable: no"))
    decision = ProcessingActivity.read(tmp_path / "a.yaml").study.decision
    assert (decision.favourable, decision.unfavourable) == (("yes",), ("no",))


@pytest.mark.parametrize("day", ["2026-13-01", "1 November", "2026-11-01 10:00:00"])
def test_a_day_that_is_none_is_said_with_its_line(said, day):
    (fault,) = said(SHORT + f"  as_of: {day}\n")
    assert fault == (
        f"F:21: study.as_of: should be a day, such as 2026-01-31 (it is '{day}'). Fix: correct it; `equiscore activity new` shows an example."
    )


def test_a_byte_order_mark_is_no_part_of_the_first_key(said):
    assert said(b"\xef\xbb\xbf" + SHORT.encode()) == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        pytest.param("a: [1\nb: 2\n", "F:2: not readable as YAML: expected ',' or ']', but got ':'", id="unclosed"),
        pytest.param("a:\n\tb: 1\n", "F:2: not readable as YAML: found character '\\t'", id="tab"),
        pytest.param("a: *x\n", "F:1: not readable as YAML: found undefined alias 'x'", id="alias"),
        pytest.param("a: 1\n---\nb: 1\n", "F:2: not readable as YAML: but found another document", id="two documents"),
        pytest.param("a: !!python/object/apply:os.system [ls]\n", "F:1: not readable as YAML: could not determine a constructor", id="code"),
        pytest.param("[a, b]: 1\n", "F:1: not readable as YAML: found unhashable key", id="key"),
        pytest.param("a: [" * 2_000, "F: not readable as YAML: maximum recursion", id="deep"),
        pytest.param(b"a: \xe9\n", "F: not written in UTF-8 (byte 3)", id="latin"),
        pytest.param(b"a: x\0y\n", "F: not readable as YAML", id="nul"),
        pytest.param("- a\n", "F: a declaration is keys and values", id="list"),
        pytest.param("", "F: a declaration is keys and values", id="empty"),
    ],
)
def test_what_is_no_yaml_is_one_clear_fault(said, text, fault):
    (one,) = said(text)
    assert one.startswith(fault)
    assert "Fix:" in one
    assert "\n" not in one


def test_an_alias_of_aliases_is_not_gone_through_a_billion_times(tmp_path):
    (tmp_path / "a.yaml").write_text("b0: &b0 [1]\n" + "".join(f"b{i}: &b{i} [*b{i - 1}, *b{i - 1}]\n" for i in range(1, 60)))
    _, lines, twice = load_yaml(tmp_path / "a.yaml")
    assert (lines.at(("b59",)), twice) == (":60", [])


def test_a_missing_file_says_how_to_make_one(tmp_path):
    with pytest.raises(DeclarationError, match=r"no such file\. Fix: .* `equiscore activity new` writes a declaration"):
        ProcessingActivity.read(tmp_path / "none.yaml")
