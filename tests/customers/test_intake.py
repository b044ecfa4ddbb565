"""Who comes in, who is refused, and that nobody's identifier goes out again."""

import hashlib
import hmac
import multiprocessing
import stat

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import scoring
from scoring.customers.intake import admit, key_of_pseudonyms, needed, pseudonymise
from scoring.errors import ContractError, EquiscoreError, StudyError
from scoring.fairness.counts import count
from scoring.plan import Plan, Source
from scoring.rejects import rejected_rows, write_rejects
from scoring.tables import open_source

COLUMNS = {
    "id": {"type": "text", "roles": "identifier"},
    "sex": {"type": "text", "roles": "protected"},
    "age": {"type": "integer", "roles": "protected"},
    "weight": {"type": "number", "roles": "weight"},
    "granted": {"type": "text", "roles": "decision"},
    "score": {"type": "number", "roles": "score"},
}


def plan(**changes):
    return Plan(
        **{
            "columns": COLUMNS,
            "groups": {"sex": {"column": "sex", "levels": ["F", "M"], "undeclared": "reject"}, "age": {"column": "age", "edges": [25, 66]}},
            "decision": {"column": "granted", "favourable": "yes"},
            "score": {"column": "score"},
            "bounds": {"max_rejected_share": 0.99},
            **changes,
        }
    )


def people(n=60):
    return pd.DataFrame({
        "id": [f"person-{i}" for i in range(n)], "sex": ["F", "M"] * (n // 2), "age": [20, 40, 70] * (n // 3), "weight": 1.0,
        "granted": ["yes", "no", "no", "yes"] * (n // 4), "score": np.arange(n, dtype=float),
    })  # fmt: skip


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv("EQUISCORE_KEY", "secret")


# ---- the door ----


@pytest.mark.parametrize("form", ["csv", "parquet", "frame"])
def test_a_header_without_rows_has_no_customers(tmp_path, form):
    empty = people().head(0)
    if form == "csv":
        empty.to_csv(tmp_path / "a.csv", index=False)
    if form == "parquet":
        empty.to_parquet(tmp_path / "a.parquet")
    given_plan = plan() if form == "frame" else plan(source=Source(path=tmp_path / f"a.{form}"))
    with pytest.raises(ContractError, match=r"no rows\. Fix: give a file with at least one customer"):
        admit(given_plan, empty if form == "frame" else None)


def test_nothing_declared_and_nothing_handed_in_is_refused():
    with pytest.raises(ContractError, match=r"There is nothing to study\. Fix:"):
        admit(plan())


@pytest.mark.parametrize(
    ("identifiers", "says"),
    [
        pytest.param(["a", "a", "b"], "of 3 rows, 1 repeat an identifier, so", id="repeated"),
        pytest.param(["a", None, "b"], "of 3 rows, 1 have none, so", id="missing"),
        pytest.param(["a", " ", ""], "of 3 rows, 2 have none, so", id="blank"),
        pytest.param(["a", "a ", None], "of 3 rows, 1 repeat an identifier and 1 have none, so", id="both, blanks aside"),
    ],
)
def test_rows_that_are_not_persons_are_refused(identifiers, says):
    with pytest.raises(ContractError, match=says):
        admit(plan(), people().head(3).assign(id=identifiers))


def test_repeated_identifiers_are_taken_where_a_cluster_says_what_belongs_together():
    columns = {**COLUMNS, "home": {"type": "text", "roles": "cluster"}}
    frame = people().assign(id="a", home="h")
    assert count(admit(plan(columns=columns), frame), plan(columns=columns)).total == len(frame)


def test_a_cluster_may_be_the_identifier():
    columns = {**COLUMNS, "id": {"type": "text", "roles": ["identifier", "cluster"]}}
    assert count(admit(plan(columns=columns), people().assign(id="a")), plan(columns=columns)).total == 60


def test_only_columns_that_the_run_needs_are_read(tmp_path):
    columns = {**COLUMNS, "notes": {"type": "integer", "roles": "feature"}}
    assert set(needed(plan(columns=columns))) == set(COLUMNS)
    people().assign(notes="no integer").to_csv(tmp_path / "a.csv", index=False)
    assert count(admit(plan(columns=columns, source=Source(path=tmp_path / "a.csv"))), plan(columns=columns)).rejected.empty


# ---- rejected rows ----


def listed(frame, asked, **said):
    return rejected_rows(admit(asked, frame), asked, **said)


def counted(frame, asked):
    return count(admit(asked, frame), asked).rejected.groupby("reject")["n"].sum().to_dict()


def test_each_rejected_row_is_listed_with_its_place_reason_and_pseudonym():
    frame = people().astype({"sex": object, "age": object})
    frame.loc[3, "sex"], frame.loc[7, "age"], frame.loc[8, "weight"], frame.loc[20, "weight"] = "X", "12.5", np.nan, -1
    frame.loc[21, "granted"], frame.loc[22, "score"], frame.loc[23, "sex"] = " ", np.inf, None
    names = pseudonymise([f"person-{i}" for i in range(60)], b"secret")
    assert listed(frame, plan()).to_pylist() == [
        {"row": 4, "reason": "sex: undeclared level", "person": names[3]},
        {"row": 8, "reason": "age: not an integer", "person": names[7]},
        {"row": 9, "reason": "weight: no weight", "person": names[8]},
        {"row": 21, "reason": "weight: negative weight", "person": names[20]},
        {"row": 22, "reason": "granted: empty, so no decision", "person": names[21]},
        {"row": 23, "reason": "score: not a number", "person": names[22]},
    ]


def test_the_row_is_that_of_the_file_and_of_a_folder_in_the_order_of_its_names(tmp_path):
    frame = people().astype({"age": object})
    frame.loc[[2, 45], "age"] = "x"
    frame[:30].to_csv(tmp_path / "1.csv", index=False)
    frame[30:].to_csv(tmp_path / "2.csv", index=False)
    assert listed(None, plan(source=Source(path=tmp_path)))["row"].to_pylist() == [3, 46]


def test_the_row_is_that_of_a_large_file_too(tmp_path):
    n = 300_000
    frame = pd.DataFrame({"sex": "F", "age": "30", "granted": "yes"}, index=range(n))
    places = [0, 122_879, 122_880, 250_001, n - 1]
    frame.loc[places, "age"] = "x"
    frame.to_csv(tmp_path / "a.csv", index=False)
    frame.to_parquet(tmp_path / "a.parquet", row_group_size=50_000)
    columns = {name: COLUMNS[name] for name in frame}
    for name in ("a.csv", "a.parquet"):
        found = listed(None, plan(columns=columns, score=None, source=Source(path=tmp_path / name)))
        assert found["row"].to_pylist() == [place + 1 for place in places]


def test_the_list_stops_and_says_how_many_are_left_off():
    frame = people().assign(weight=-1.0).astype({"weight": float})
    frame.loc[0, "weight"] = 1.0
    found = listed(frame, plan(), most=5)
    assert (found["row"].to_pylist(), found.schema.metadata) == ([2, 3, 4, 5, 6], {b"left_off": b"54"})


def test_without_an_identifier_there_is_no_pseudonym_and_no_key(monkeypatch, tmp_path):
    monkeypatch.delenv("EQUISCORE_KEY")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    columns = {name: column for name, column in COLUMNS.items() if name != "id"}
    frame = people()
    frame.loc[1, "weight"] = -1.0
    assert listed(frame, plan(columns=columns)).to_pylist() == [{"row": 2, "reason": "weight: negative weight"}]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["rejects.csv", "rejects.parquet"])
def test_the_list_is_written_for_its_owner_only_and_names_nobody(tmp_path, name):
    frame = people()
    frame.loc[1, "weight"] = -1.0
    path = tmp_path / name
    assert write_rejects(admit(plan(), frame), plan(), path, most=1) == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert b"person-" not in path.read_bytes()
    held = pd.read_csv(path) if name.endswith("csv") else pq.read_table(path).to_pandas()
    assert held[["row", "reason"]].to_dict("records") == [{"row": 2, "reason": "weight: negative weight"}]


CUTOFF = {"decision": {"cutoff": {"rule": "value", "value": 30.0}}}


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    changes=st.sampled_from([
        {}, CUTOFF, {**CUTOFF, "score": {"column": "score", "higher_is": "worse"}},
        {"groups": {"sex": {"column": "sex"}, **{
            name: {"column": name, "levels": levels, "undeclared": "reject"} for name, levels in {"member": [True], "grade": [1, 2]}.items()
        }}},
    ]),
    in_csv=st.booleans(),
)  # fmt: skip
def test_as_many_rows_are_listed_by_reason_as_are_counted(tmp_path_factory, seed, changes, in_csv):
    rng = np.random.default_rng(seed)
    n = 400
    frame = pd.DataFrame({
        "id": [f"p{i}" for i in range(n)],
        "sex": rng.choice(["F", "M", "X", " ", "\t", None, "F "], n),
        "age": rng.choice(["30", "66.0", "12.5", "x", "", None], n),
        "weight": rng.choice([1.0, 2.5, -1.0, np.nan, np.inf, 0.0], n),
        "granted": rng.choice(["yes", "no", " ", "\t", "\u00a0", None], n),
        "score": rng.choice([1.0, 30.0, np.inf, -np.inf, np.nan, 31.5], n),
        "member": rng.choice(["true", "false", "", "2"], n),
        "grade": rng.choice(["1", "2", "3", "", "1.5"], n),
    })  # fmt: skip
    frame.loc[0] = ["p0", "F", "30", 1.0, "yes", 31.5, "true", "1"]
    columns = {**COLUMNS, "member": {"type": "boolean", "roles": "protected"}, "grade": {"type": "integer", "roles": "protected"}}
    asked = plan(columns=columns, **changes)
    if in_csv:
        path = tmp_path_factory.mktemp("rejects") / "a.csv"
        frame.to_csv(path, index=False)
        asked = asked.model_copy(update={"source": Source(path=path)})
    table = admit(asked, None if in_csv else frame)
    cutoff = None if asked.decision.cutoff is None else 30.0
    expected = count(table, asked, cutoff=cutoff).rejected.groupby("reject")["n"].sum().to_dict()
    found = rejected_rows(table, asked, cutoff=cutoff, most=n)
    assert found.to_pandas().groupby("reason").size().to_dict() == expected
    assert found["row"].to_pylist() == sorted(set(found["row"].to_pylist()))


# ---- pseudonyms ----


def test_a_pseudonym_is_the_keyed_hash_of_the_identifier():
    expected = hmac.new(b"secret", b"42", hashlib.sha256).hexdigest()[:32]
    assert pseudonymise(["42", 42, 42.0, " 42 "], b"secret") == [expected] * 4


def test_another_key_gives_other_pseudonyms_and_no_identifier_has_none():
    assert pseudonymise(["42"], b"secret") != pseudonymise(["42"], b"other")
    assert pseudonymise([None, "", "  "], b"secret") == [None, None, None]


def test_the_key_comes_from_the_environment(monkeypatch):
    assert key_of_pseudonyms() == b"secret"
    monkeypatch.setenv("EQUISCORE_KEY", "other")
    assert key_of_pseudonyms() == b"other"


@pytest.fixture
def place(monkeypatch, tmp_path):
    monkeypatch.delenv("EQUISCORE_KEY")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    return tmp_path / "equiscore" / "pseudonyms.key"


def test_a_key_is_made_once_for_its_owner_only(place):
    first = key_of_pseudonyms()
    assert (len(first), key_of_pseudonyms()) == (64, first)
    assert (stat.S_IMODE(place.stat().st_mode), stat.S_IMODE(place.parent.stat().st_mode)) == (0o600, 0o700)
    assert [file.name for file in place.parent.iterdir()] == ["pseudonyms.key"]


def test_processes_that_start_together_agree_on_the_key(place):
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        assert len(set(pool.starmap(key_of_pseudonyms, [()] * 6))) == 1


@pytest.mark.parametrize("content", [b"", b" \n", b"\xff\xfe\xff"])
def test_a_key_file_that_is_no_key_is_refused_not_replaced(place, content):
    place.parent.mkdir()
    place.write_bytes(content)
    with pytest.raises(StudyError, match="Fix:"):
        key_of_pseudonyms()
    assert place.read_bytes() == content


def test_a_key_that_cannot_be_kept_is_an_error_with_a_fix(place):
    place.parent.write_text("a file where the folder should be")
    with pytest.raises(StudyError, match=r"Fix: set EQUISCORE_KEY"):
        key_of_pseudonyms()


def test_no_identifier_is_in_a_study_or_in_its_scores(tmp_path, monkeypatch):
    frame = people()
    activity = scoring.ProcessingActivity.model_construct(study=plan())
    monkeypatch.setattr(scoring.ProcessingActivity, "document", lambda _: {})
    scoring.conduct_study(activity, frame, scores_to=tmp_path / "scores.parquet").save(tmp_path / "study")
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert len(files) == 5
    assert [file.name for file in files if b"person-" in file.read_bytes()] == []
    assert set(pq.read_table(tmp_path / "scores.parquet")["person"].to_pylist()) == set(pseudonymise(frame["id"], b"secret"))


def test_an_error_about_a_file_leaves_nothing_behind(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("id,sex\n1\n")
    with pytest.raises(EquiscoreError):
        open_source(Source(path=path), needed(plan()))
    assert [file.name for file in tmp_path.iterdir()] == ["a.csv"]
