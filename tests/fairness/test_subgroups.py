"""Parts of an excluded group are not second findings; what is worse than its group is."""

from __future__ import annotations

import numpy as np
import pandas as pd

import scoring


def people(rates: dict[tuple[str, str], float], size: int = 1_000) -> pd.DataFrame:
    """So many people in each cell, accepted at a rate."""
    parts = [pd.DataFrame({"a": a, "b": b, "y": np.arange(size) < round(rate * size)}) for (a, b), rate in rates.items()]
    return pd.concat(parts, ignore_index=True)


def under(frame: pd.DataFrame) -> dict[str, str]:
    rows = scoring.audit(frame, groups=["a", "b"], decision="y", favourable=True).judged()
    shown = rows[rows["verdict"] == "exclusion"]
    return dict(zip(shown["group"], shown["under"], strict=True))


def test_parts_of_an_excluded_group_stand_under_it():
    rates = {("u", "p"): 0.3, ("u", "q"): 0.3, ("v", "p"): 0.7, ("v", "q"): 0.7, ("w", "p"): 0.7, ("w", "q"): 0.7}
    assert under(people(rates)) == {"u": "", "u x p": "a: u", "u x q": "a: u"}


def test_an_intersection_that_no_parent_shows_stands_by_itself():
    rates = {("u", "p"): 0.35, ("u", "q"): 0.85, ("v", "p"): 0.8, ("v", "q"): 0.6, ("w", "p"): 0.8, ("w", "q"): 0.6}
    assert under(people(rates)) == {"u x p": ""}


def test_a_part_that_is_worse_than_its_group_is_a_finding_of_its_own():
    rates = {("u", "p"): 0.1, ("u", "q"): 0.4, ("v", "p"): 0.7, ("v", "q"): 0.7, ("w", "p"): 0.7, ("w", "q"): 0.7}
    found = under(people(rates))
    assert found["u"] == ""
    assert found["u x p"] == ""
    assert found["u x q"] == "a: u"
