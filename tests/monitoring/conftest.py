"""People after launch, made; and a declaration of their scoring."""

import numpy as np
import pandas as pd
import pytest
import yaml

import scoring
from scoring.activity import ProcessingActivity


def people(n=2000, seed=1, *, women=0.6, men=0.6, shift=0.0, unknown=0.0, tiny=0):
    """Make people: rates by sex, a shift of the score, a share whose sex is unknown, `tiny` people of a rare region."""
    rng = np.random.default_rng(seed)
    sex = rng.choice(["F", "M"], n).astype(object)
    region = rng.choice(["north", "south"], n).astype(object)
    region[:tiny] = "isle"
    accepted = (rng.random(n) < np.where(sex == "F", women, men)).astype(int)
    score = np.round(500 + 50 * rng.standard_normal(n) + 40 * accepted + shift)
    good = (rng.random(n) < 1 / (1 + np.exp(-(score - 520) / 60))).astype(int)
    if unknown:
        sex[rng.random(n) < unknown] = None
    return pd.DataFrame({"sex": sex, "region": region, "accepted": accepted, "score": score, "good": good})


def study(frame, **more):
    """Study made people by their decisions."""
    asked = {"groups": ["sex", "region"], "decision": "accepted", "favourable": 1, "outcome": "good", "favourable_outcome": 1, "score": "score"}
    return scoring.audit(frame, **(asked | more))


ACTIVITY = {
    "reference": "MADE-1", "name": "Made", "controller": {"name": "Somebody", "contact": "a@b.example"},
    "purposes": [{"name": "To decide", "legal_basis": "contract"}], "persons": ["Applicants"], "data": [{"name": "Income"}],
    "recipients": [], "transfers": [], "retention": [{"data": "All", "period": "1 year"}], "security": ["Locked"],
    "study": {
        "source": {"path": "signed.csv"},
        "columns": {
            "sex": {"type": "text", "roles": "protected"}, "region": {"type": "text", "roles": "protected"},
            "accepted": {"type": "integer", "roles": "decision"}, "score": {"type": "number", "roles": "score"},
            "good": {"type": "integer", "roles": "outcome"},
        },
        "groups": {"sex": {"column": "sex", "title": {"en": "Sex", "fr": "Sexe"}}, "region": {"column": "region"}},
        "decision": {"column": "accepted", "favourable": 1}, "outcome": {"column": "good", "favourable": 1}, "score": {"column": "score"},
    },
}  # fmt: skip
SCHEDULE = {
    "activity": "activity.yaml", "signed": "studies/signed", "data": {"path": "data-{day}.csv"}, "studies": "studies/after",
    "first": "2026-01-31", "every_months": 1, "shared": "none", "stop": "stop.json",
}  # fmt: skip


@pytest.fixture
def launched(tmp_path):
    """Make a folder with a declaration, its signed study and a schedule."""
    people(seed=1).to_csv(tmp_path / "signed.csv", index=False)
    (tmp_path / "activity.yaml").write_text(yaml.safe_dump(ACTIVITY), encoding="utf-8")
    (tmp_path / "schedule.yaml").write_text(yaml.safe_dump(SCHEDULE), encoding="utf-8")
    scoring.conduct_study(ProcessingActivity.read(tmp_path / "activity.yaml")).save(tmp_path / "studies/signed")
    return tmp_path
