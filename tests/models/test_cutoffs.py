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
    ],
)
def test_what_cannot_be_chosen_from_is_refused(arguments, says):
    with pytest.raises(EquiscoreError, match=says) as refused:
        choose_cutoff(arguments.pop("scores"), **arguments)
    assert "Fix:" in str(refused.value)
