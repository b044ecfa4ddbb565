"""The validity benchmark: its arithmetic by a second road, and a short seeded run of each part with a number that can fail."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import scoring
from scoring.fairness.hypotheses import adjust
from scoring.fairness.intervals import proportion_interval

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import validity
import validity_coverage as coverage
import validity_familywise as familywise
import validity_layouts as layouts
import validity_others as others
import validity_power as power
import validity_report as report
import validity_rivals as rivals
import validity_rules as rules
import validity_subgroups as subgroups


def test_the_chances_of_a_binomial_are_scipys():
    k, rate = np.arange(-1.0, 13), np.full(14, 0.3)
    assert coverage.chance_up_to(k, 12, rate) == pytest.approx(stats.binom.cdf(k, 12, 0.3))
    assert coverage.chance_of(k, 12, rate) == pytest.approx(stats.binom.pmf(k, 12, 0.3), abs=1e-15)


@pytest.mark.parametrize("name", coverage.ONE)
def test_coverage_of_a_rate_is_the_sum_over_all_counts(name):
    rates = np.array([0.02, 0.31, 0.5, 0.972])
    low, high = coverage.ONE[name](np.arange(24), 23)
    chance = stats.binom.pmf(np.arange(24), 23, rates[:, None])
    found = coverage.of_proportion(coverage.ONE[name], 23, rates)
    assert found.held == pytest.approx((chance * ((low <= rates[:, None]) & (rates[:, None] <= high))).sum(1))


@pytest.mark.parametrize("name", coverage.TWO)
@pytest.mark.parametrize("ratio", [0.5, 0.8, 1.25])
def test_coverage_of_a_pair_is_the_sum_over_all_pairs_of_counts(name, ratio):
    kind, limits = coverage.TWO[name]
    n, m, rates = 17, 23, np.array([0.05, 0.3, 0.61, 0.77])
    x, y = np.meshgrid(np.arange(n + 1.0), np.arange(m + 1.0), indexing="ij")
    low, high = limits(x, n, y, m)
    found = coverage.of_pair(limits, (n, m), ratio, rates, difference=kind == "difference")
    for i, p in enumerate(rates):
        truth = ratio if kind == "ratio" else ratio * p - p
        chance = stats.binom.pmf(x, n, ratio * p) * stats.binom.pmf(y, m, p)
        below, above = (chance * (high < truth)).sum(), (chance * (low > truth)).sum()
        assert found.held[i] == pytest.approx(1 - below - above, abs=1e-7)
        assert found.one_side[i] == pytest.approx(max(below, above), abs=1e-7)


def test_wilson_falls_to_894_where_the_specification_says_so_and_clopper_pearson_never_under_95():
    rate = np.array([0.9722])
    assert coverage.of_proportion(coverage.ONE["wilson"], 20, rate).held == pytest.approx([0.894], abs=5e-4)
    assert coverage.of_proportion(coverage.ONE["clopper-pearson"], 20, coverage.FINE).held.min() >= 0.95


@pytest.mark.parametrize(
    ("name", "ratio", "rate", "lowest"),
    [("koopman (ratio)", 0.5, 0.0525, 0.906), ("newcombe (difference)", 1.25, 0.02, 0.912), ("miettinen-nurminen (difference)", 1.25, 0.02, 0.912)],
)
def test_the_lowest_coverage_of_20_against_20_000_is_as_specified(name, ratio, rate, lowest):
    kind, limits = coverage.TWO[name]
    found = coverage.of_pair(limits, (20, 20_000), ratio, np.array([rate, 0.5]), difference=kind == "difference")
    assert found.held[0] == pytest.approx(lowest, abs=1e-3)
    assert found.enough.tolist() == [False, True]
    assert found.held[1] > 0.928


def test_an_interval_that_misses_its_level_is_named():
    rows = [coverage.summary(name, coverage._one("Wald (for comparison)", [20, 100])) for name in ("textbook", "clopper-pearson")]
    assert [len(coverage.misses(row)) for row in rows] == [2, 1]
    assert coverage.misses(coverage.summary("wilson", coverage._one("wilson", [20, 51, 100]))) == []


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.one_of(st.floats(0, 0.2), st.just(float("nan"))), min_size=5, max_size=5), min_size=1, max_size=4))
def test_holm_over_files_is_holm_of_each_file(p):
    rejected = rules.holm_rejects(np.array(p), 0.05)
    assert rejected.tolist() == [(adjust(row, "holm") < 0.05).tolist() for row in p]


@pytest.mark.parametrize(
    "layout", [layouts.Layout(k, sizes, 0.3, design) for k in (2, 5, 100) for sizes in layouts.SIZES for design in ("named", "rest, 50 %")]
)
def test_the_groups_of_a_layout_stand_exactly_at_the_tolerance(layout):
    known = layouts.truth(layout)
    people, rate = known.people, known.rate
    assert np.average(rate, weights=people) == pytest.approx(0.3)
    rest = (np.sum(people * rate) - people * rate) / (people.sum() - people)
    against = rate[-1] if known.named else rest
    assert (rate / against)[known.at_tolerance] == pytest.approx(0.8)
    assert ((rate / against)[~known.at_tolerance] >= 0.8).all()


@pytest.mark.parametrize("seed", range(6))
def test_the_rule_that_is_simulated_is_the_verdict_of_the_package(seed):
    rng = np.random.default_rng(seed)
    people, hits = np.array([25, 60, 150, 400, 900]), np.zeros(5, int)
    hits[:] = rng.binomial(people, [0.9, 0.12, 0.25, 0.46, 0.5])
    rows = pd.DataFrame(
        {"group": np.repeat(list("abcde"), people), "yes": np.concatenate([np.arange(n) < x for n, x in zip(people, hits, strict=True)])}
    )
    judged = scoring.audit(rows, groups=["group"], decision="yes", favourable=True).judged().set_index("group").loc[list("abcde")]
    known = layouts.Truth(people, hits / people, np.ones(5, bool), named=False)
    sides = layouts.sides_of(hits[None].astype(float), known)
    p = familywise.p_with_exact(sides, familywise.p_by_score(sides), (1, 1))["s, exact < 5"]
    excluded, within = (rules.holm_rejects(side, rules.ALPHA)[0] for side in p)
    within &= ~familywise.objections(sides, hits[None].astype(float), known)[0]
    assert judged["verdict"].eq("exclusion").tolist() == excluded.tolist()
    assert judged["verdict"].eq("within tolerance").tolist() == within.tolist()
    assert excluded.any()


def test_false_verdicts_keep_their_level_where_those_of_the_plain_score_do_not():
    found = familywise.counted((layouts.Layout(20, "20 to 20,000", 0.03, "rest, 50 %"), 2_000, 300))
    assert found.files == {"z": 2_000, "z, exact < 5": 300, "s": 2_000, "s, exact < 5": 300}
    assert found.within["z"] > 0.05
    assert max(found.exclusion["s"], found.within["s"]) < 0.03
    assert found.objected["s"] <= found.within["s"]
    assert familywise.misses([found], "s, exact < 5") == []
    assert len(familywise.misses([found], "z")) == 2


def test_with_no_difference_at_all_the_usual_rules_cry_out_and_the_verdict_does_not():
    found = rivals.alarms((layouts.Layout(20, "50", 0.3, "parity"), 1_000))
    assert found["four-fifths"] > 0.9
    assert found["z-test"] > 0.3
    assert found["ours"] < 0.005


def test_the_best_off_group_as_the_reference_needs_all_pairs():
    row = rivals.best((20, 100, 0.5, 2_000))
    naive, pairs = (float(row[f"{way} EXCLUSION"].rstrip(" %")) for way in ("naive", "all pairs"))
    assert naive > 5
    assert pairs < 1


def test_an_impossible_layout_is_left_out():
    assert familywise.counted((layouts.Layout(20, "50", 0.75, "rest, 95 %"), 10, 0)) is None


def test_power_of_the_verdict_and_what_the_rules_pass():
    row = {name: float(value.rstrip(" %")) for name, value in power.curve((100, 0.8, 20_000)).items() if str(value).endswith("%")}
    assert max(row["EXCLUSION"], row["WITHIN_TOLERANCE"]) < 3.2
    assert 45 < row["four-fifths: passed"] < 55
    assert float(power.curve((30, 0.6, 5_000))["z-test: passed"].rstrip(" %")) > 35


@pytest.mark.parametrize("design", power.DESIGNS)
def test_people_needed_have_the_power_named(design):
    found = power.planned((*design, 20_000))
    assert 0.78 < float(found["settled by s"]) < 0.84


def test_the_search_lists_what_was_planted_and_the_rules_list_all_that_lies_about_it():
    _, found = subgroups.searched(("a pair", 1, 8, 0.8, -3.5))
    for way in subgroups.OURS:
        assert found[way][0] >= 7
    assert found["z-test, same false alarms"][2] > 10 * found["search, Focused BH"][2]


def test_weights_need_linearisation():
    row = others.weighted((others.HEAVY[1], 300, 8_000))
    assert float(row["Kish (for comparison)"]) < 0.91
    assert 0.94 < float(row["linearised (in use)"]) < 0.96


def test_households_need_the_effect_of_the_contrast():
    area, person = (
        {name: float(value.rstrip(" %")) for name, value in others.clustered((kind, 120)).items() if name != "groups"}
        for kind in (others.AREA, others.PERSON)
    )
    assert area["as if independent"] > 12
    assert max(area["effect of the contrast, D (in use)"], person["effect of the contrast, D (in use)"]) < 11
    assert person["one effect a side"] < 3


def test_f1_is_no_proportion():
    row = others.f1((200, 0.15, 8_000))
    assert float(row["as a proportion (for comparison)"]) < 0.91
    assert 0.94 < float(row["by J (in use)"]) < 0.96


def test_auc_with_few_positives():
    row = others.auc_coverage((0.95, 10, 1_000))
    assert float(row["Wald (for comparison)"]) < 0.85
    assert float(row["in use"]) > 0.94


def test_what_misses_of_the_other_claims_is_named_with_its_design():
    rows = pd.DataFrame(
        {"true AUC": ["0.95", "0.90"], "positives": [20, 20], "Wald (for comparison)": ["0.85", "0.89"], "in use": ["0.8900", "0.9250"]}
    )
    assert others._out(rows, "in use", 10_000) == ["true AUC 0.95, positives 20: 0.8900."]


def test_the_bootstrap_from_counts_needs_two_moments_of_the_weights():
    row = others.redrawn((1, 400))
    assert row["cells, mean weight (for comparison)"] < 0.75 * row["rows redrawn"]
    assert row["cells, two moments (in use)"] == pytest.approx(row["rows redrawn"], rel=0.15)


def test_the_widest_gap_holds_0_where_the_redrawn_never_does():
    row = others.gaps((5, 0.5, 1_000))
    assert float(row["percentiles of the redrawn gap (for comparison)"]) == 0
    assert float(row["in use"]) > 0.92


def one_part(name, misses):
    return report.Part(name, f"Heading of {name}", [report.Section(f"One of {name}", "a", "b", pd.DataFrame({"p": [0.5], "n": [1_000]}), misses)])


def test_a_part_measured_again_replaces_its_own_part_of_the_page_only(tmp_path):
    page = tmp_path / "validity.md"
    for part in (one_part("power", ["low"]), one_part("coverage", []), one_part("power", [])):
        report.written(part, page, head="# Head")
    text = page.read_text(encoding="utf-8")
    assert text.count("Heading of power") == 1
    assert text.index("Heading of coverage") < text.index("Heading of power")
    assert "| 0.5000 | 1,000 |" in text
    assert "Nowhere, of what is measured below." in text


def test_what_misses_is_said_first(tmp_path):
    page = tmp_path / "validity.md"
    two = report.Part("others", "Two", [*one_part("fine", []).sections, *one_part("others", ["odd"]).sections])
    for part in (one_part("power", ["low", "lower"]), one_part("coverage", []), two):
        report.written(part, page, head="# Head")
    first = page.read_text(encoding="utf-8").split("<!--", maxsplit=1)[0]
    assert first == "# Head\n\n## Where it misses\n\n- One of power: low\n- One of power: lower\n- One of others: odd\n\n"


def test_jobs_may_be_spread_over_processes():
    assert report.spread(partial(proportion_interval, 1), [10], 1, "one")[0][0] > 0
    assert report.spread(abs, [-1, 2], 2, "two") == [1, 2]


def test_the_command_writes_the_page(tmp_path, monkeypatch, capsys):
    page = tmp_path / "validity.md"
    monkeypatch.setattr(sys, "argv", ["validity.py", "--short", "--part", "power", "--write", str(page)])
    validity.main()
    assert page.read_text(encoding="utf-8").startswith("# Validity, measured")
    assert "power:" in capsys.readouterr().err
