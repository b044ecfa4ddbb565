"""Stages before the decision are keys of the one pass; who is lost at one did not get what the decision gives."""

import numpy as np
import pandas as pd
import pytest

import scoring
from scoring.customers.intake import admit
from scoring.errors import EquiscoreError
from scoring.fairness.counts import count
from scoring.plan import Plan
from scoring.rejects import rejected_rows

FRAME = pd.DataFrame(
    {
        "sex": ["F", "F", "F", "M", "M", "M", "M", None],
        "optin": ["yes", "no", None, "yes", "yes", " ", "yes", "yes"],
        "eligible": [1, None, 1, 1, 0, None, 1, 1],
        "granted": ["yes", None, None, "no", None, None, None, "yes"],
    }
)


def asked(**changes):
    columns = {
        "sex": {"type": "text", "roles": "protected"},
        "optin": {"type": "text", "roles": "stage"},
        "eligible": {"type": "integer", "roles": "stage"},
        "granted": {"type": "text", "roles": "decision"},
    }
    funnel = [{"name": "reachable", "column": "optin", "passes": "yes"}, {"name": "eligible", "column": "eligible", "passes": 1}]
    study = {"columns": columns, "groups": {"sex": {"column": "sex"}}, "decision": {"column": "granted", "favourable": "yes"}, "funnel": funnel}
    return Plan.model_validate({**study, "bounds": {"max_rejected_share": 0.9}, **changes})


def test_a_stage_is_how_many_were_passed_in_a_row():
    cells = count(admit(asked(), FRAME), asked()).studied
    found = {(group, stage): int(n) for group, stage, n in cells.groupby(["group.sex", "stage"])["n"].sum().reset_index().itertuples(index=False)}
    assert found == {("F", 2): 1, ("F", 0): 2, ("M", 2): 1, ("M", 1): 1, ("M", 0): 1, ("(unknown)", 2): 1}


def test_who_is_lost_before_the_decision_is_counted_as_not_favoured_and_who_passed_all_without_one_is_rejected():
    counts = count(admit(asked(), FRAME), asked())
    assert counts.studied.groupby("state")["n"].sum().to_dict() == {"au": 2, "ru": 5}
    assert counts.rejected[["reject", "n"]].to_numpy().tolist() == [["granted: empty, so no decision", 1]]
    assert counts.total == len(FRAME)


def test_the_list_of_rejected_rows_agrees_with_the_counts(monkeypatch):
    monkeypatch.setenv("EQUISCORE_KEY", "secret")
    listed = rejected_rows(admit(asked(), FRAME), asked())
    assert listed.to_pylist() == [{"row": 7, "reason": "granted: empty, so no decision"}]


def test_without_a_funnel_an_empty_decision_is_rejected_as_ever():
    counts = count(admit(asked(funnel=[]), FRAME), asked(funnel=[]))
    assert "stage" not in counts.cells
    assert counts.rejected["n"].sum() == 5


def test_a_stage_that_nobody_passes_is_a_slip_of_the_declaration():
    changed = asked(funnel=[{"name": "reachable", "column": "optin", "passes": "oui"}])
    with pytest.raises(EquiscoreError, match=r"no row of column 'optin' passes the stage 'reachable' \('oui'\); it holds 'no', 'yes'. Fix: "):
        count(admit(changed, FRAME), changed)


def test_an_audit_takes_a_funnel():
    people = pd.DataFrame({"sex": np.repeat(["F", "M"], 50), "optin": np.tile(["yes", "no"], 50), "granted": "yes"})
    people.loc[people["optin"] == "no", "granted"] = None
    people.loc[0, "granted"] = "no"
    study = scoring.audit(people, decision="granted", favourable="yes", groups=["sex"], funnel={"reachable": ("optin", "yes")})
    assert study.rates(metrics=["selection_rate"])["hits"].tolist() == [24, 25]
    assert study.rates(metrics=["selection_rate"])["trials"].tolist() == [50, 50]


def test_a_funnel_of_two_stages_by_the_same_name_is_said_by_the_audit_too():
    people = FRAME.assign(granted="yes")
    with pytest.raises(EquiscoreError, match="passes"):
        scoring.audit(people, decision="granted", favourable="yes", groups=["sex"], funnel={"reachable": ("optin", ())})
