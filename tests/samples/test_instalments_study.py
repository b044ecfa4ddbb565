"""What was planted in the made sample is found, and nothing else."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest
import yaml

import scoring
from scoring.plan import Source

SAMPLE = Path(__file__).parents[2] / "data/samples/instalments"
NAMES = {"commune_type": "commune", "qpv": "QPV", "contact_language": "language", "bank_domicile": "bank"}
PLANTED = yaml.load((SAMPLE / "planted.yaml").read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
FACTS = {fact["id"]: fact for fact in PLANTED["facts"]}


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("instalments")
    spec = importlib.util.spec_from_file_location("instalments_generate", SAMPLE / "generate.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    module.generate(folder)
    activity = scoring.ProcessingActivity.read(SAMPLE / "activity.yaml")
    plan = activity.study.model_copy(update={"source": Source(path=folder / "customers.csv")})
    return scoring.conduct_study(activity.model_copy(update={"study": plan}))


def conditions(where: dict) -> frozenset[tuple[str, str]]:
    """The planted group as attributes and levels of the study."""
    return frozenset((NAMES.get(name, name), f"{level['from']}+" if isinstance(level, dict) else level) for name, level in where.items())


def row_of(study, where: dict):
    rows = study.judged()
    rows = rows[rows["metric"] == "selection_rate"]
    wanted = conditions(where)
    found = [i for i, (names, levels) in enumerate(zip(rows["attribute"], rows["levels"], strict=True))
             if frozenset(zip(names.split(" x "), levels, strict=True)) == wanted]  # fmt: skip
    assert len(found) == 1
    return rows.iloc[found[0]]


@pytest.mark.parametrize("name", FACTS)
def test_each_planted_fact_is_found(study, name):
    fact = FACTS[name]
    row = row_of(study, fact["where"])
    assert row["verdict"] == fact["verdict"]
    assert (row["people"], row["hits"]) == (int(fact["n"]), int(fact["accepted"]))
    assert row["ratio"] == pytest.approx(float(fact["ratio"]), abs=5e-5)


def test_no_parent_of_the_planted_intersection_is_shown(study):
    for parent in FACTS["intersection"]["shown_by_no_parent"]:
        assert row_of(study, parent["where"])["verdict"] == parent["verdict"]


def test_the_zero_group_stands_first(study):
    assert study.verdicts().iloc[0][["attribute", "group", "ratio", "verdict"]].tolist() == ["bank", "abroad", 0.0, "exclusion"]


def test_exclusion_is_shown_for_nothing_outside_the_planted_groups_and_their_parts(study):
    shown = study.judged()[study.judged()["verdict"] == "exclusion"]
    planted = [conditions(FACTS[name]["where"]) for name in ("proxy", "intersection", "zero")]
    stray = [levels for names, levels in zip(shown["attribute"], shown["levels"], strict=True)
             if not any(group <= frozenset(zip(names.split(" x "), levels, strict=True)) for group in planted)]  # fmt: skip
    assert stray == []


def test_only_the_planted_groups_stand_by_themselves(study):
    """The parts of an excluded group are accounted for by it; three findings are left of about a hundred."""
    shown = study.judged()[study.judged()["verdict"] == "exclusion"]
    alone = {frozenset(zip(names.split(" x "), levels, strict=True))
             for names, levels, under in zip(shown["attribute"], shown["levels"], shown["under"], strict=True) if not under}  # fmt: skip
    assert len(shown) > 50
    assert alone == {conditions(FACTS[name]["where"]) for name in ("proxy", "intersection", "zero")}


def test_repayment_seen_of_the_accepted_alone_gives_no_rate_and_no_verdict(study):
    rows = study.judged()[study.judged()["metric"] == "true_positive_rate"]
    assert set(rows["verdict"]) == {"not applicable"}
    assert rows["value"].isna().all()


def test_everybody_is_somewhere(study):
    assert (study.everybody().groupby("attribute")["people"].sum() == 60_000).all()
    published = study.published().rates(metrics=["selection_rate"])
    assert (published.groupby("attribute")["trials"].sum() == 60_000).all()
