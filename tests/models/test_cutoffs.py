import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.errors import EquiscoreError
from scoring.models.cutoffs import Costs, choose_cutoff

SCORES = st.lists(st.integers(0, 12), min_size=1, max_size=40)


def test_a_given_cut_off_is_kept():
    chosen = choose_cutoff([1, 2, 3, 4], rule="value", value=2.5)
    assert (chosen.value, chosen.share, chosen.origin) == (2.5, 0.5, "Accepted from 2.5: the cut-off was given.")


@settings(deadline=None)
@given(SCORES, st.floats(0.01, 1))
def test_accept_share_is_the_nearest_that_an_existing_score_can_give(scores, wished):
    chosen = choose_cutoff(scores, rule="accept_share", value=wished)
    possible = [np.mean(np.array(scores) >= score) for score in scores]
    assert chosen.value in scores
    assert chosen.share == pytest.approx(np.mean(np.array(scores) >= chosen.value))
    assert abs(chosen.share - wished) <= min(abs(share - wished) for share in possible) + 1e-9


def test_of_two_equally_near_shares_the_smaller():
    assert choose_cutoff([1, 2, 3, 4], rule="accept_share", value=0.375).share == 0.25


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.sampled_from([True, False, None])), min_size=1), st.integers(0, 9), st.integers(1, 9))
def test_cost_is_the_least_of_all_cut_offs(rows, accepted, refused):
    scores, outcome = map(list, zip(*rows, strict=True))
    if all(told is None for told in outcome):
        outcome[0] = True

    def cost(cutoff):
        pairs = [(score >= cutoff, told) for score, told in zip(scores, outcome, strict=True) if told is not None]
        return sum(accepted if taken and not told else refused if told and not taken else 0 for taken, told in pairs)

    chosen = choose_cutoff(scores, rule="cost", value={"wrongly_accepted": accepted, "wrongly_refused": refused}, outcome=outcome)
    assert cost(chosen.value) == min(map(cost, range(12)))


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(st.integers(0, 6), st.sampled_from([True, False, None]), st.integers(0, 50), st.integers(0, 50)), min_size=1, max_size=30),
    st.sampled_from([1.0, 1e-9, 1e9, 0.1]),
)
def test_with_amounts_of_their_own_it_is_the_least_of_all_cuts_and_of_equals_the_lowest(rows, unit):
    scores, outcome, accepted, refused = map(list, zip(*rows, strict=True))
    if all(told is None for told in outcome):
        outcome[0] = True

    def cost(cutoff):  # in whole numbers, exactly
        of = [(score >= cutoff, told, a, r) for score, told, a, r in zip(scores, outcome, accepted, refused, strict=True) if told is not None]
        return sum(a if taken and not told else r if told and not taken else 0 for taken, told, a, r in of)

    amounts = {"wrongly_accepted": np.array(accepted) * unit, "wrongly_refused": np.array(refused) * unit}
    chosen = choose_cutoff(scores, rule="cost", outcome=outcome, **amounts)
    possible = [*sorted(set(scores)), max(scores) + 1]
    assert cost(chosen.value) == min(map(cost, possible))
    assert chosen.value == next(cut for cut in possible if cost(cut) == cost(chosen.value))


def test_one_amount_for_all_is_the_number():
    rng = np.random.default_rng(3)
    scores, outcome = rng.normal(size=200), rng.integers(0, 2, 200)
    one = choose_cutoff(scores, rule="cost", value=Costs(5, 2), outcome=outcome)
    for amounts in ({"wrongly_accepted": 5, "wrongly_refused": 2}, {"wrongly_accepted": np.full(200, 5.0), "wrongly_refused": [2] * 200}):
        other = choose_cutoff(scores, rule="cost", outcome=outcome, **amounts)
        assert (other.value, other.share) == (one.value, one.share)
    assert choose_cutoff(scores, rule="cost", value={"wrongly_accepted": 5}, wrongly_refused=np.full(200, 2.0), outcome=outcome).value == one.value


def test_an_amount_may_be_missing_where_it_is_not_needed():
    chosen = choose_cutoff([1, 2, 3], rule="cost", outcome=[0, 1, None], wrongly_accepted=[900, np.nan, np.nan], wrongly_refused=[None, 30, None])
    assert chosen.value == 2
    assert "costs an amount of their own, 900 on average, and a wrongly refused one an amount of their own, 30 on average," in chosen.origin


def test_amounts_of_rows_with_weights_are_those_of_repeated_rows():
    rng = np.random.default_rng(0)
    scores, outcome, weights, lost = rng.integers(0, 20, 60), rng.integers(0, 2, 60), rng.integers(0, 4, 60), rng.integers(1, 90, 60)
    repeated = choose_cutoff(
        np.repeat(scores, weights), rule="cost", outcome=np.repeat(outcome, weights), wrongly_accepted=np.repeat(lost, weights), wrongly_refused=20
    )
    assert choose_cutoff(scores, rule="cost", outcome=outcome, weights=weights, wrongly_accepted=lost, wrongly_refused=20) == repeated


def test_cost_may_accept_nobody_and_of_equals_accepts_most():
    nobody = choose_cutoff([1, 2], rule="cost", value=Costs(wrongly_accepted=1, wrongly_refused=1), outcome=[False, False])
    assert (nobody.value, nobody.share) == (3, 0)
    everybody = choose_cutoff([1, 2], rule="cost", value=Costs(wrongly_accepted=0, wrongly_refused=1), outcome=[False, True])
    assert (everybody.value, everybody.share) == (1, 1)


def test_the_sentence_says_the_costs_and_how_many_are_known():
    chosen = choose_cutoff([1, 2, 3], rule="cost", value=Costs(5, 1), outcome=[0, 1, None])
    assert chosen.origin == (
        "Accepted from 2: the cut-off of least expected cost, 0 a person, where a wrongly accepted person costs 5 "
        "and a wrongly refused one 1 (2 people of known outcome)."
    )


@pytest.mark.parametrize("rule", [{"rule": "accept_share", "value": 0.5}, {"rule": "cost", "value": Costs(2, 1)}])
def test_a_weight_is_so_many_people(rule):
    rng = np.random.default_rng(0)
    scores, outcome, weights = rng.integers(0, 20, 60), rng.integers(0, 2, 60), rng.integers(0, 4, 60)
    repeated = choose_cutoff(np.repeat(scores, weights), outcome=np.repeat(outcome, weights), **rule)
    assert choose_cutoff(scores, outcome=outcome, weights=weights, **rule) == repeated


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"scores": [1, np.nan], "rule": "value", "value": 1}, "finite numbers"),
        ({"scores": [1, 2], "rule": "values", "value": 1}, "was 'value' meant"),
        ({"scores": [1, 2], "rule": "value", "value": "high"}, "is not a cut-off"),
        ({"scores": [1, 2], "rule": "accept_share", "value": 60}, "0.6 for 60 %"),
        ({"scores": [1, 2], "rule": "cost", "value": 1, "outcome": [0, 1]}, "cannot use 1"),
        ({"scores": [1, 2], "rule": "cost", "value": Costs(1, 1)}, "needs to know"),
        ({"scores": [1, 2], "rule": "cost", "value": Costs(1, 1), "outcome": ["good", "bad"]}, "True, False or missing"),
        ({"scores": [1, 2], "rule": "cost", "value": {"wrongly_accepted": -1, "wrongly_refused": 1}, "outcome": [0, 1]}, "not a pair of costs"),
        ({"scores": [1, 2], "rule": "value", "value": 1, "weights": [0, 0]}, "not all 0"),
        ({"scores": [1, 2], "rule": "value", "value": 1, "wrongly_refused": 3}, 'Costs belong to the rule "cost"'),
        ({"scores": [1, 2], "rule": "cost", "outcome": [0, 1], "wrongly_accepted": 1}, "each once"),
        ({"scores": [1, 2], "rule": "cost", "value": Costs(1, 1), "outcome": [0, 1], "wrongly_accepted": 1}, "each once"),
        ({"scores": [1, 2], "rule": "cost", "outcome": [0, 1], "wrongly_accepted": [1], "wrongly_refused": 1}, "1 amounts for 2 scores"),
        ({"scores": [1, 2], "rule": "cost", "outcome": [0, 1], "wrongly_accepted": [-1, 0], "wrongly_refused": 1}, "1 of the 1 amounts needed"),
        ({"scores": [1, 2], "rule": "cost", "outcome": [0, 1], "wrongly_accepted": ["x", 0], "wrongly_refused": 1}, "missing or below 0"),
    ],
)
def test_what_cannot_be_chosen_from_is_refused(arguments, says):
    with pytest.raises(EquiscoreError, match=says) as refused:
        choose_cutoff(arguments.pop("scores"), **arguments)
    assert "Fix:" in str(refused.value)
