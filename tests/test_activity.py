"""The declaration as a whole: samples, template, schema, and what leaves the machine of it."""

import copy
import json
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from scoring.activity import ProcessingActivity, json_schema, template
from scoring.declaration import load_yaml
from scoring.errors import EquiscoreError
from scoring.facts import FACTS
from scoring.plan import Plan, Source

SAMPLES = sorted(Path(__file__).parents[1].glob("data/samples/*/activity.yaml"))


@pytest.fixture
def written(tmp_path):
    path = tmp_path / "activity.yaml"
    path.write_text(template(), encoding="utf-8")
    return path


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.parent.name)
def test_each_sample_is_declared_without_fault(path):
    activity = ProcessingActivity.read(path)
    assert activity.study.source.path == path.parent / "customers.csv"


def test_the_template_is_a_declaration_without_fault(written):
    activity = ProcessingActivity.read(written)
    assert activity.study.outcome.favourable == ("yes",)


def keys_of(model, seen=()):
    """Every key of a model and of those inside it."""
    for name, field in model.model_fields.items():
        yield name
        for inside in re.findall(r"\w+", repr(field.annotation)):
            found = BY_NAME.get(inside)
            if found and found not in seen:
                yield from keys_of(found, (*seen, found))


def models(base=BaseModel):
    for model in base.__subclasses__():
        yield model
        yield from models(model)


BY_NAME = {model.__name__: model for model in models() if model.__module__.startswith("scoring")}


def test_the_template_explains_every_key_but_the_many_facts_that_law_ask_lists():
    missing = {name for name in keys_of(ProcessingActivity) if f"{name}:" not in template()} - set(FACTS)
    assert missing == set()


def test_every_line_of_the_template_that_may_be_taken_in_is_known(written):
    """Take each comment that is a key in, alone: the fault may be that it contradicts its neighbour, never that no such key exists."""
    lines = template().splitlines()
    for number, line in enumerate(lines):
        body = line.lstrip()
        if not (body.startswith("# ") and body[2:].split(" ")[0].endswith(":")) or "special" in line:
            continue
        indent = line[: len(line) - len(body)]
        written.write_text("\n".join([*lines[:number], indent + body[2:], *lines[number + 1 :]]), encoding="utf-8")
        assert "no such key" not in said_of(written), line


def said_of(path):
    try:
        ProcessingActivity.read(path)
    except EquiscoreError as error:
        return str(error)
    return ""


def test_a_relative_source_is_found_beside_the_declaration(written):
    assert ProcessingActivity.read(written).study.source.path == written.parent / "customers.csv"


def test_the_document_names_the_source_without_its_folder(written):
    source = ProcessingActivity.read(written).document()["study"]["source"]
    assert source["path"] == "customers.csv"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://anne@db.example:5432/shop", "postgresql://db.example:5432/shop"),
        ("sqlite:////home/anne/shop.db", "sqlite:///shop.db"),
        ("sqlite:///shop.db", "sqlite:///shop.db"),
    ],
)
def test_a_database_is_named_without_account_or_folder(url, shown):
    source = Source(url=url, table="customers")
    assert (source.portable().url, source.described) == (shown, f"customers in {shown}")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        pytest.param({}, "a source is either a path or a url", id="nothing"),
        pytest.param({"path": "a.csv", "url": "sqlite:///a.db"}, "a source is either a path or a url", id="both"),
        pytest.param({"url": "sqlite:///a.db"}, "a database holds many tables", id="no table"),
        pytest.param({"url": "postgresql://u:secret@h/d", "table": "t"}, "a password does not belong in a declaration", id="password"),
        pytest.param({"path": "a.csv", "delimiter": '"'}, "stands between no fields", id="quote as delimiter"),
        pytest.param({"path": "a.csv", "delimiter": "\n"}, "stands between no fields", id="line break as delimiter"),
        pytest.param({"path": "a.csv", "encoding": "klingon"}, "no such encoding", id="encoding"),
    ],
)
def test_a_source_that_cannot_be_read_is_refused_before_it_is(given, says):
    with pytest.raises(ValidationError, match=f"{says}.*Fix:") as caught:
        Source(**given)
    assert caught.value.error_count() == 1


def test_the_plan_survives_json():
    plan = ProcessingActivity.read(SAMPLES[0]).study.portable()
    assert Plan.model_validate(json.loads(json.dumps(plan.model_dump(mode="json")))) == plan


@pytest.fixture(scope="module")
def validator():
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads(json_schema())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.parent.name)
def test_the_schema_accepts_each_sample(validator, path):
    assert [error.message for error in validator.iter_errors(load_yaml(path)[0])] == []


def test_the_schema_accepts_the_template(validator, written):
    assert [error.message for error in validator.iter_errors(load_yaml(written)[0])] == []


def test_the_schema_refuses_a_slip_in_a_key(validator, written):
    written.write_text(template().replace("    tolerance:", "    tolerence:"), encoding="utf-8")
    (error,) = validator.iter_errors(load_yaml(written)[0])
    assert "tolerence" in error.message


CONTENT = load_yaml(SAMPLES[0])[0]
JUNK = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.lists(st.integers() | st.text(max_size=3), max_size=3),
    st.dictionaries(st.text(max_size=3) | st.integers(), st.integers(), max_size=2), st.just([[]]), st.just([{}]), st.just({"a": []}),
)  # fmt: skip


def places(node, above=()):
    yield above
    inside = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in inside:
        yield from places(value, (*above, key))


PLACES = [place for place in places(CONTENT) if place]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.lists(st.tuples(st.sampled_from(PLACES), JUNK), min_size=1, max_size=3))
def test_whatever_stands_in_a_declaration_it_is_read_or_refused_with_fixes(tmp_path, changes):
    yaml = pytest.importorskip("yaml")
    content = copy.deepcopy(CONTENT)
    for place, value in changes:
        node = content
        try:
            for part in place[:-1]:
                node = node[part]
            node[place[-1]] = value
        except (KeyError, IndexError, TypeError):
            continue
    path = tmp_path / "activity.yaml"
    path.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    said = [line for line in said_of(path).splitlines() if not line.endswith((" faults", " fault"))]
    assert [line for line in said if "Fix:" not in line or str(path) not in line] == []
    assert len(set(said)) == len(said)
