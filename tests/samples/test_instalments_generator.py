"""The made sample is what its datasheet says: the same bytes everywhere, the planted facts and nothing else."""

import hashlib
import importlib.util
import itertools
from pathlib import Path

import pandas as pd
import pytest
import yaml

SAMPLE = Path(__file__).parents[2] / "data" / "samples" / "instalments"
PLANTED = yaml.safe_load((SAMPLE / "planted.yaml").read_text(encoding="utf-8"))
FACTS = {fact["id"]: fact for fact in PLANTED["facts"]}
SUMS = dict(reversed(line.split("  ")) for line in (SAMPLE / "SHA256SUMS").read_text(encoding="utf-8").splitlines())
SOURCES = ("shop", "web", "loyalty")
UNKNOWN = "(unknown)"


def load_generator():
    spec = importlib.util.spec_from_file_location("instalments_generator", SAMPLE / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def generator():
    return load_generator()


@pytest.fixture(scope="module")
def folder(generator, tmp_path_factory):
    place = tmp_path_factory.mktemp("instalments")
    generator.generate(place)
    return place


def read(folder, name):
    return pd.read_csv(folder / name, dtype=str, keep_default_na=False)


@pytest.fixture(scope="module")
def customers(folder):
    return read(folder, "customers.csv").astype(dict.fromkeys(("score", "residence_years", "months_as_customer", "purchases_12m"), int))


@pytest.fixture(scope="module")
def groups(customers):
    """The protected attributes as levels, age cut by plain date arithmetic, and whether the customer was accepted."""
    born = pd.to_datetime(customers["birth_date"].where(customers["birth_date"] != ""))
    as_of = pd.Timestamp(PLANTED["as_of"])
    age = pd.Series(UNKNOWN, index=customers.index)
    for edge, older in zip([0, *PLANTED["age_edges"]], ["0", *map(str, PLANTED["age_edges"])], strict=True):
        age = age.mask(born <= as_of - pd.DateOffset(years=edge), older)
    found = customers[[name for name in PLANTED["protected"] if name != "age"]].replace("", UNKNOWN).assign(age=age)
    return found.assign(accepted=customers["accepted"] == "yes")


@pytest.fixture(scope="module")
def records(folder):
    return pd.concat([read(folder, f"records_{source}.csv") for source in SOURCES])


@pytest.fixture(scope="module")
def consents(folder):
    return read(folder, "consents.csv")


def levels(where):
    return {name: str(level["from"]) if isinstance(level, dict) else level for name, level in where.items()}


def counts(groups, where):
    """Accepted and all, of the group and of everyone known who is not in it."""
    wanted = levels(where)
    known = (groups[list(wanted)] != UNKNOWN).all(axis=1)
    inside = (groups[list(wanted)] == pd.Series(wanted)).all(axis=1)
    return tuple(f(groups.loc[side, "accepted"]) for side in (inside, known & ~inside) for f in (sum, len))


def ratio(hits, trials, ref_hits, ref_trials):
    return (hits / trials) / (ref_hits / ref_trials)


def test_the_same_bytes_come_out_twice_and_on_every_machine(generator, folder, tmp_path):
    paths = generator.generate(tmp_path)
    assert {path.name for path in paths} == set(SUMS) == {path.name for path in tmp_path.iterdir()}
    for path in paths:
        assert path.read_bytes() == (folder / path.name).read_bytes()
        assert hashlib.sha256(path.read_bytes()).hexdigest() == SUMS[path.name]


def test_a_run_that_fails_leaves_no_file(generator, tmp_path):
    with pytest.raises(ValueError, match="shorter"):
        generator.write({"good.csv": {"a": [1, 2]}, "bad.csv": {"a": [1, 2], "b": [1]}}, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_four_percent_are_unknown_by_a_draw_of_their_own(customers):
    unknown = customers[["sex", "birth_date", "commune_type", "qpv"]] == ""
    assert unknown.mean().between(0.037, 0.043).all()
    both = [(unknown[a] & unknown[b]).mean() for a, b in itertools.combinations(unknown, 2)]
    assert max(both) < 0.0025
    assert not (customers.drop(columns=["sex", "birth_date", "commune_type", "qpv", "refusal_reason", "repaid"]) == "").any(axis=None)


def test_the_decision_is_the_score_and_one_policy(customers):
    abroad, reaches = customers["bank_domicile"] == "abroad", customers["score"] >= PLANTED["decision"]["cutoff"]
    accepted = customers["accepted"] == "yes"
    assert (accepted == (reaches & ~abroad)).all()
    assert (customers["refusal_reason"] == "").equals(accepted)
    assert (customers["refusal_reason"] == "account_abroad").equals(abroad)


def test_the_score_is_the_points_table_of_the_datasheet(customers):
    """By another road: bands cut by pandas, returns by shares."""
    bands = {
        "residence_years": ([0, 2, 5, 10, 999], [0, 60, 80, 90]),
        "months_as_customer": ([0, 6, 24, 60, 999], [0, 45, 60, 70]),
        "purchases_12m": ([0, 2, 5, 10, 20, 999], [0, 25, 45, 60, 70]),
    }
    points = sum(pd.cut(customers[name], edges, right=False, labels=marks).astype(int) for name, (edges, marks) in bands.items())
    sent_back = customers["returns_12m"].astype(int) / customers["purchases_12m"].clip(lower=1)
    points += pd.cut(sent_back, [-1, 0, 0.1999999, 0.4999999, 9], labels=[25, 15, 0, -35]).astype(int)
    points += customers["channel"].map({"shop": 25, "web": 20, "phone": 0})
    points += customers["product_range"].map({"electronics": 20, "appliances": 0, "furniture": -22})
    assert (points + 316 == customers["score"]).all()


def test_repayment_is_seen_for_the_accepted_only(customers):
    assert (customers["repaid"] == "").equals(customers["accepted"] == "no")
    seen = customers[customers["repaid"] != ""]
    assert (seen["repaid"] == "yes").mean() == pytest.approx(0.93, abs=0.01)
    assert (seen["repaid"] == "yes").groupby(seen["qpv"]).mean().between(0.91, 0.94).all()


@pytest.mark.parametrize("fact", FACTS.values(), ids=FACTS)
def test_planted_rates_hold_by_plain_counts(groups, fact):
    hits, trials, *rest = counts(groups, fact["where"])
    assert (hits, trials) == (fact["accepted"], fact["n"])
    assert ratio(hits, trials, *rest) == pytest.approx(fact["ratio"], abs=5e-5)
    assert fact["ratio"] == pytest.approx(fact["true_ratio"], abs=0.06 if fact["n"] < 100 else 0.01)


@pytest.mark.parametrize(
    ("where", "measured"),
    [pytest.param(parent["where"], parent["ratio"], id=" x ".join(parent["where"])) for parent in FACTS["intersection"]["shown_by_no_parent"]],
)
def test_no_parent_of_the_intersection_shows_it(groups, where, measured):
    assert ratio(*counts(groups, where)) == pytest.approx(measured, abs=5e-5)
    assert measured > 0.85


def test_the_gap_between_women_and_men_reverses_within_every_stratum(groups, customers):
    fact = FACTS["reversal"]
    rates = groups["accepted"].groupby([customers[fact["stratum"]], groups["sex"]]).mean().unstack()  # noqa: PD010
    assert (rates["F"] / rates["M"]).round(4).to_dict() == fact["within_strata"]
    assert (rates["F"] > rates["M"]).all()
    assert ratio(*counts(groups, {"sex": "F"})) < 0.95


@pytest.mark.parametrize("fact", FACTS.values(), ids=FACTS)
def test_the_verdict_of_each_planted_group(groups, fact):
    hypotheses = pytest.importorskip("scoring.fairness.hypotheses")
    below, within = hypotheses.ratio_test(*counts(groups, fact["where"]), tolerance=PLANTED["tolerance"])
    alpha, comparisons = 0.025, 30  # no fewer than the groups of single attributes: Bonferroni is stricter than Holm
    shown = {"exclusion": below < alpha / comparisons, "within tolerance": within < alpha / comparisons, "leaning": min(below, within) > alpha}
    assert shown[fact["verdict"]]


def crossings(groups, depth=3):
    """All conjunctions to depth three, unknown being a level: conditions, then counts of the group and of its rest."""
    for size in range(1, depth + 1):
        for names in itertools.combinations(PLANTED["protected"], size):
            known = (groups[list(names)] != UNKNOWN).all(axis=1)
            all_hits, everyone = groups.loc[known, "accepted"].sum(), known.sum()
            table = groups.groupby(list(names))["accepted"].agg(["sum", "size"])
            for row in table.itertuples():
                where = dict(zip(names, row[0] if size > 1 else [row[0]], strict=True))
                inside = 0 if UNKNOWN in where.values() else 1  # the unknown are in no reference, so they are not taken out of it
                yield where, (row[1], row[2], all_hits - inside * row[1], everyone - inside * row[2])


def test_nothing_is_shown_excluded_but_the_planted_groups_and_their_subsets(groups):
    hypotheses = pytest.importorskip("scoring.fairness.hypotheses")
    found = list(crossings(groups))
    below = hypotheses.ratio_test(*zip(*(numbers for _, numbers in found), strict=True), tolerance=PLANTED["tolerance"]).p_exclusion
    adjusted = hypotheses.adjust(below, method="bh")
    planted = [levels(fact["where"]).items() for fact in FACTS.values() if fact["verdict"] == "exclusion"]
    shown = [where for (where, _), p in zip(found, adjusted, strict=True) if p < 0.05]
    assert [where for where in shown if not any(conditions <= where.items() for conditions in planted)] == []
    assert all(dict(conditions) in shown for conditions in planted)


def test_every_record_belongs_to_one_customer_and_every_customer_has_one(folder, records, customers):
    truth = read(folder, "records_truth.csv")
    keys = ["source", "source_record_id"]
    joined = records.merge(truth, on=keys, how="outer", validate="one_to_one", indicator=True)
    assert (joined["_merge"] == "both").all()
    assert set(truth["customer_id"]) == set(customers["customer_id"])
    card = customers.set_index("customer_id")["loyalty_card"] == "yes"
    assert set(truth.loc[truth["source"] == "loyalty", "customer_id"]) == set(card.index[card])


def test_birth_dates_agree_but_where_the_truth_says_they_are_wrong(folder, records, customers):
    truth = read(folder, "records_truth.csv")
    joined = records.merge(truth, on=["source", "source_record_id"]).merge(customers[["customer_id", "birth_date"]], on="customer_id")
    told = joined["birth_date_x"].str.replace(r"^(\d\d)/(\d\d)/(\d{4})$", r"\3-\2-\1", regex=True)
    comparable = (told != "") & (joined["birth_date_y"] != "")
    wrong = joined["traps"].str.contains("wrong_birth_date")
    assert (told == joined["birth_date_y"])[comparable & ~wrong].all()
    assert (told == "").equals(joined["traps"].str.contains("no_birth_date"))


def test_no_record_can_reach_a_real_person(records):
    assert records.loc[records["email"] != "", "email"].str.endswith(".example").all()
    digits = records["phone"].str.replace(r"\D", "", regex=True).str.replace(r"^33", "0", regex=True)
    assert digits[digits != ""].str.match(r"(063998|019900|026191|035301|046571|053649)\d{4}$").all()


def test_the_consent_log_is_append_only_and_in_order(consents, records):
    assert consents["event_id"].is_monotonic_increasing
    assert consents["recorded_at"].is_monotonic_increasing
    assert (consents["occurred_at"] <= consents["recorded_at"]).all()
    assert set(consents["action"]) == {"request", "confirm", "grant", "withdraw", "object", "bounce"}
    keys = consents[["source", "source_record_id"]].merge(records[["source", "source_record_id", "created_at"]], how="left", validate="m:1")
    assert (keys["created_at"].to_numpy() < consents["occurred_at"].to_numpy()).all()


def test_nobody_confirms_what_was_not_requested_nor_withdraws_what_was_not_given(consents):
    thread = ["source", "source_record_id", "channel", "purpose"]
    first = consents.pivot_table(index=thread, columns="action", values="occurred_at", aggfunc="min").fillna("")
    confirmed, withdrawn = first["confirm"] != "", first["withdraw"] != ""
    assert (first["request"] != "")[confirmed].all()
    assert (first["request"] < first["confirm"])[confirmed].all()
    given = first["confirm"].where(first["request"] != "", first["grant"])
    assert ((given != "") & (given < first["withdraw"]))[withdrawn].all()
