"""The evidence is the published tables and nothing more, in bytes that do not change."""

import json
import os
import subprocess
import sys

import pytest

import scoring
from scoring.dossier.evidence import evidence_of, plain
from scoring.dossier.workbook import sheets
from scoring.provenance import canonical, read_manifest

TINY = "Île Minuscule"


@pytest.fixture(scope="module")
def saved(small_study, tmp_path_factory):
    return small_study.save(tmp_path_factory.mktemp("evidence") / "study")


@pytest.fixture(scope="module", params=["credit_study", "small_study", "hostile_study"])
def any_study(request):
    return request.getfixturevalue(request.param)


def test_it_is_canonical_json_of_finite_numbers(any_study):
    content = evidence_of(any_study)
    read = json.loads(content, parse_constant=pytest.fail)
    assert canonical(read) == content
    assert read["equiscore_evidence"] == 1


def test_it_names_the_manifest_of_the_study(saved):
    assert json.loads(evidence_of(scoring.Study.load(saved)))["manifest_digest"] == read_manifest(saved)["digest"]


def test_a_study_that_was_not_saved_has_no_digest_to_name(small_study):
    assert json.loads(evidence_of(small_study))["manifest_digest"] is None


def test_it_holds_the_rows_of_the_workbook_and_no_other(any_study):
    held = json.loads(evidence_of(any_study))["tables"]
    shown = sheets(any_study, "en")[1:-1]
    assert sorted(len(table["rows"]) for table in held.values()) == sorted(len(sheet.rows) for sheet in shown)
    counts = sorted(json.dumps(plain([row.cells for row in sheet.rows]), sort_keys=True) for sheet in shown)
    assert sorted(json.dumps(table["rows"], sort_keys=True) for table in held.values()) == counts


def test_groups_too_small_to_be_shown_are_not_in_its_rows(small_study):
    threshold = small_study.plan.bounds.publication_threshold
    verdicts = json.loads(evidence_of(small_study))["tables"]["verdicts"]
    place, group = verdicts["columns"].index("people"), verdicts["columns"].index("group")
    assert all(row[place] is None or row[place] == 0 or row[place] >= threshold for row in verdicts["rows"])
    assert not [row for row in verdicts["rows"] if row[group] == TINY]


_PROGRAM = """
import sys, hashlib, scoring
from scoring.dossier.evidence import evidence_of
print(hashlib.sha256(evidence_of(scoring.Study.load(sys.argv[1]))).hexdigest())
"""


@pytest.mark.slow
def test_the_bytes_depend_on_no_hash_seed_and_no_time_zone(saved):
    def told(seed, zone):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "TZ": zone}
        return subprocess.run([sys.executable, "-c", _PROGRAM, str(saved)], env=environment, capture_output=True, text=True, check=True).stdout

    assert told("1", "UTC") == told("2", "Pacific/Auckland")


def test_the_declaration_says_its_roles_in_one_order(credit_study):
    columns = json.loads(evidence_of(credit_study))["declaration"]["study"]["columns"]
    assert all(column["roles"] == sorted(column["roles"]) for column in columns.values())


def test_what_json_has_no_number_for_is_said():
    assert plain([float("nan"), float("-inf"), True, "\ud800"]) == [None, "-Infinity", True, "?"]
