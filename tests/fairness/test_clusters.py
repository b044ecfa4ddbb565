"""Rows that belong together widen intervals by the contrast's own design effect."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import scoring
from scoring.errors import EquiscoreError


def households(number: int = 800, seed: int = 3) -> pd.DataFrame:
    """Households of one to four people who share an area and luck, and differ in sex."""
    rng = np.random.default_rng(seed)
    size = rng.integers(1, 5, number)
    house = np.repeat(np.arange(number), size)
    luck = np.repeat(rng.normal(size=number), size)
    people = len(house)
    return pd.DataFrame(
        {
            "house": house,
            "area": np.where(np.repeat(rng.random(number), size) < 0.3, "A", "B"),
            "sex": rng.choice(["F", "M"], people),
            "accepted": (rng.normal(size=people) + luck > 0).astype(int),
            "weight": rng.integers(1, 4, people),
        }
    )


def studied(frame: pd.DataFrame, **how) -> pd.DataFrame:
    return scoring.audit(frame, groups=["area", "sex"], decision="accepted", favourable=1, cluster="house", **how).judged()


def row(rows: pd.DataFrame, attribute: str, group: str) -> pd.Series:
    return rows[(rows["attribute"] == attribute) & (rows["group"] == group)].iloc[0]


def by_hand(frame: pd.DataFrame, member: np.ndarray, tau: float, weight: np.ndarray) -> float:
    """The sum over households of their summed influences on p_g - tau p_r, squared; over the same for single rows."""
    y = frame["accepted"].to_numpy()
    p_in, p_out = np.average(y[member], weights=weight[member]), np.average(y[~member], weights=weight[~member])
    influence = np.where(member, weight * (y - p_in) / weight[member].sum(), -tau * weight * (y - p_out) / weight[~member].sum())
    by_house = pd.Series(influence).groupby(frame["house"]).sum()
    houses = len(by_house)
    return houses / (houses - 1) * (by_house**2).sum() / (influence**2).sum()


@pytest.mark.parametrize(("attribute", "group"), [("area", "A"), ("sex", "F"), ("area x sex", "A x F")])
def test_the_design_effect_is_that_of_the_contrast_by_hand(attribute, group):
    frame = households()
    found = row(studied(frame), attribute, group)
    member = np.logical_and.reduce([frame[name] == level for name, level in zip(attribute.split(" x "), group.split(" x "), strict=True)])
    ones = np.ones(len(frame))
    assert found["effect_ratio"] == pytest.approx(by_hand(frame, member, 0.8, ones), rel=1e-9)
    assert found["effect_difference"] == pytest.approx(by_hand(frame, member, 1.0, ones), rel=1e-9)


def test_with_weights_the_influence_is_weighted():
    frame = households()
    found = row(studied(frame, weights="weight"), "area", "A")
    assert found["effect_ratio"] == pytest.approx(by_hand(frame, (frame["area"] == "A").to_numpy(), 0.8, frame["weight"].to_numpy(float)), rel=1e-6)


def test_households_of_one_change_nothing_but_the_exact_test():
    frame = households().assign(house=lambda rows: np.arange(len(rows)))
    plain = scoring.audit(frame, groups=["area", "sex"], decision="accepted", favourable=1).judged()
    pd.testing.assert_frame_equal(studied(frame)[["ratio_low", "ratio_high"]], plain[["ratio_low", "ratio_high"]], rtol=2e-3)


def test_areas_are_wider_and_the_sexes_within_a_household_are_not():
    found = studied(households())
    assert row(found, "area", "A")["effect_ratio"] > 1.3
    assert row(found, "sex", "F")["effect_ratio"] < 1.3


def test_groups_of_few_households_are_said_to_be_so():
    frame = households(40)
    assert "clusters (households)" in row(studied(frame), "area", "A")["because"]


def test_a_study_keeps_the_effects_and_never_who_belongs_together(tmp_path):
    study = scoring.audit(households(), groups=["area", "sex"], decision="accepted", favourable=1, cluster="house")
    study.save(tmp_path / "s")
    again = scoring.Study.load(tmp_path / "s")
    pd.testing.assert_frame_equal(again.verdicts(), study.verdicts(), rtol=1e-6)
    assert again.counts.clusters is None
    with pytest.raises(EquiscoreError, match="compared with the rest only"):
        again.disparities(reference="best")


def test_a_repeated_person_is_refused_without_a_cluster():
    frame = pd.concat([households(50), households(50)])
    plan_columns = {"house": "identifier"}
    with pytest.raises(EquiscoreError, match="rows are not persons"):
        _declared(frame, plan_columns)


def _declared(frame: pd.DataFrame, roles: dict[str, str]) -> None:
    from scoring.customers.intake import admit
    from scoring.plan import Column, Decision, Group, Plan

    columns = {
        "area": Column(type="text", roles=frozenset(["protected"])),
        "accepted": Column(type="integer", roles=frozenset(["decision"])),
        **{name: Column(type="integer", roles=frozenset([role])) for name, role in roles.items()},
    }
    admit(Plan(columns=columns, groups={"area": Group(column="area")}, decision=Decision(column="accepted", favourable=(1,))), frame)
