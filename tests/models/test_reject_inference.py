"""Reject inference: methods by hand, a case of known truth where one helps, one where none does, and no way round the experiment."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, roc_auc_score
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier

from scoring.errors import EquiscoreError
from scoring.models import Scorecard
from scoring.models.refused.reject_experiment import better_folds, gains, hide
from scoring.models.refused.reject_inference import RejectMethod, reject_inference_experiment
from scoring.models.refused.reject_methods import KINDS, Seen, extrapolation, fuzzy_augmentation, parcelling, reweighting, self_learning

METHODS = [RejectMethod("reweighting"), RejectMethod("fuzzy_augmentation"), RejectMethod("parcelling", factor=2)]


def made(n=4000, unseen=1.5, seed=3):
    """Customers refused by what is in the file (a, b) and, as far as `unseen`, by what is not; the outcome hangs on both."""
    rng = np.random.default_rng(seed)
    people = pd.DataFrame(rng.normal(size=(n, 3)), columns=list("abc"))
    impression = rng.normal(size=n)
    logit = 1 + people["a"] + 0.6 * people["b"] - 0.5 * people["c"] + unseen * impression
    good = (logit + rng.logistic(size=n) > 0).to_numpy().astype(float)
    accepted = (people["a"] + 0.5 * people["b"] + 1.2 * unseen * impression + 0.5 * rng.normal(size=n) > 0).to_numpy()
    return people, good, accepted, ~accepted & (rng.random(n) < 0.3)


def experiment(people, good, accepted, known, **more):
    seen = accepted | known
    settings = {"methods": METHODS, "acceptance": LogisticRegression(), "draws": 400} | more
    return reject_inference_experiment(LogisticRegression(), people, np.where(seen, good, np.nan), seen, hidden=known, **settings)


@pytest.fixture(scope="module")
def helped():
    return made(), experiment(*made())


# -- helps, and does not


def test_where_the_refused_are_worse_than_their_features_say_parcelling_helps(helped):
    assert helped[1].verdicts.to_dict()["parcelling x2"] == "shown"
    assert helped[1].helps("fuzzy_augmentation") == "not shown"


def test_what_is_applied_then_helps_the_refused_whose_outcome_nobody_gave(helped):
    (people, good, accepted, known), tried = helped
    others = ~accepted & ~known
    applied = tried.apply("parcelling x2").predict_proba(people[others])[:, 1]
    alone = LogisticRegression().fit(people[accepted], good[accepted]).predict_proba(people[others])[:, 1]
    assert brier_score_loss(good[others], applied) < brier_score_loss(good[others], alone) - 0.05


def test_where_refusals_hang_on_the_features_alone_none_helps():
    tried = experiment(*made(unseen=0.0))
    assert "shown" not in set(tried.verdicts)
    assert tried.helps("parcelling x2") == "harms"
    with pytest.raises(EquiscoreError, match="harms"):
        tried.apply("parcelling x2")


def test_what_was_not_shown_to_help_cannot_be_applied(helped):
    with pytest.raises(EquiscoreError, match=r"scoring\.fairness\.unseen\.selective"):
        helped[1].apply("fuzzy_augmentation")


def test_a_method_that_was_not_tried_cannot_be_applied(helped):
    with pytest.raises(EquiscoreError, match="No method 'extrapolation'"):
        helped[1].apply("extrapolation")


def test_without_outcomes_of_refused_people_the_policy_is_imitated_on_the_accepted():
    people, good, accepted, _ = made(2500, unseen=0.0)
    tried = reject_inference_experiment(LogisticRegression(), people, np.where(accepted, good, np.nan), methods=METHODS[1:], draws=200)
    assert tried.simulated
    assert not tried.hidden[~accepted].any()
    assert tried.hidden[accepted].mean() == pytest.approx(1 - accepted.mean(), abs=0.03)
    score = people["a"] + 0.5 * people["b"]
    assert score[tried.hidden].mean() < score[accepted & ~tried.hidden].mean()
    assert "shown" not in set(tried.verdicts)


def test_an_assumption_about_refusals_is_a_question_not_evidence():
    people, good, accepted, _ = made(2500, unseen=0.0)
    methods = [RejectMethod("parcelling", factor=3)]
    y = np.where(accepted, good, np.nan)
    gate = LogisticRegression()
    tried = reject_inference_experiment(gate, people, y, methods=methods, acceptance=gate, hidden_odds_ratio=6, draws=200)
    hidden = tried.table[tried.table["population"] == "hidden"].set_index("metric")
    assert hidden.loc["brier", "helps"] == "shown"  # for the assumption made it so
    with pytest.raises(EquiscoreError, match="6 times"):
        tried.apply("parcelling x3")
    assert "what would follow" in " ".join(tried.sentences("en"))


# -- two roads


def test_values_are_scikit_learns_and_the_gain_is_their_difference(helped):
    tried = helped[1]
    rows = tried.table
    assert (rows[rows["metric"] == "auc"]["gain"] == rows[rows["metric"] == "auc"].eval("`with` - without")).all()
    assert np.allclose(rows[rows["metric"] == "brier"]["gain"], rows[rows["metric"] == "brier"].eval("without - `with`"))
    assert ((rows["low"] <= rows["gain"]) & (rows["gain"] <= rows["high"])).mean() > 0.9


@pytest.mark.parametrize("ties", [False, True])
def test_metrics_against_scikit_learn_with_weights(ties):
    rng = np.random.default_rng(1)
    truth, weights = rng.random(300) < 0.6, rng.integers(1, 4, 300).astype(float)
    scores = rng.random((2, 300)).round(1 if ties else 9)
    found = gains(truth, scores[0], scores[1:], weights, np.arange(300), draws=100, alpha=0.05, seed=1)
    for score, values in zip(scores, (found.without, found.there[0]), strict=True):
        assert values[0] == pytest.approx(roc_auc_score(truth, score, sample_weight=weights))
        assert values[1] == pytest.approx(brier_score_loss(truth, score, sample_weight=weights))
        assert values[2] == pytest.approx(abs(np.average(score - truth, weights=weights)))


def test_the_interval_of_a_gain_is_that_of_the_mean_of_paired_differences():
    rng = np.random.default_rng(2)
    truth = rng.random(800) < 0.5
    scores = np.clip(truth * 0.3 + rng.random((2, 800)) * 0.7, 0, 1)
    found = gains(truth, scores[0], scores[1:], np.ones(800), np.arange(800), draws=4000, alpha=0.05, seed=1)
    differences = (scores[0] - truth) ** 2 - (scores[1] - truth) ** 2
    half = 1.959964 * differences.std() / np.sqrt(800)
    assert found.gain[0, 1] == pytest.approx(differences.mean())
    assert [found.low[0, 1], found.high[0, 1]] == pytest.approx([differences.mean() - half, differences.mean() + half], abs=0.1 * half)


def test_a_person_of_many_rows_is_drawn_whole():
    rng = np.random.default_rng(2)
    truth, scores = rng.random(100) < 0.5, rng.random((2, 100))
    once = gains(truth, scores[0], scores[1:], np.ones(100), np.arange(100), draws=500, alpha=0.05, seed=1)
    thrice = [np.tile(part, 3) for part in (truth, scores[0])]
    again = gains(thrice[0], thrice[1], np.tile(scores[1:], 3), np.ones(300), np.tile(np.arange(100), 3), draws=500, alpha=0.05, seed=1)
    np.testing.assert_allclose(again.low, once.low)


def test_one_class_among_the_hidden_has_no_area_and_no_limits():
    found = gains(np.ones(50, bool), np.full(50, 0.5), np.full((1, 50), 0.6), np.ones(50), np.arange(50), draws=100, alpha=0.05, seed=1)
    assert np.isnan(found.without[0])
    assert np.isnan(found.low).all()


def test_hiding_expects_the_share_and_follows_acceptance_and_outcome():
    rng = np.random.default_rng(1)
    accepted, bad = rng.uniform(0.2, 0.95, 20_000), rng.random(20_000) < 0.3
    concealed = hide(accepted, bad, share=0.4, odds_ratio=5, rng=np.random.default_rng(2))
    assert concealed.mean() == pytest.approx(0.4, abs=0.01)
    fitted = LogisticRegression(C=1e6).fit(np.column_stack([np.log(accepted / (1 - accepted)), bad]), concealed)
    assert fitted.coef_[0] == pytest.approx([-1, np.log(5)], abs=0.1)


def test_a_gain_that_does_not_come_back_in_every_fold_is_not_shown(helped):
    rows = helped[1].table
    assert (rows["folds"] == 5).all()
    assert (rows.loc[rows["helps"] == "shown", "better_folds"] == 5).all()
    truth, folds = np.array([1, 0] * 20, bool), np.repeat([0, 1], 20)
    plain = np.full(40, 0.5)
    once = np.where(folds == 0, np.where(truth, 0.9, 0.1), np.where(truth, 0.4, 0.6))
    assert better_folds(truth, plain, once[None], np.ones(40), folds).tolist() == [[1, 1, 0]]


# -- methods, by hand


def seen(**more):
    observed = np.array([True, True, True, True, False, False])
    parts = {
        "observed": observed, "favourable": np.array([True, False, True, True, False, False]), "weights": np.ones(6),
        "good": np.array([0.9, 0.2, 0.8, 0.7, 0.3, 0.6]), "accepted": np.array([0.9, 0.4, 0.9, 0.9, 0.4, 0.4]), "rng": np.random.default_rng(0),
    }  # fmt: skip
    return Seen(**(parts | more))


def test_reweighting_lets_the_accepted_stand_for_the_refused_of_their_band():
    found = reweighting(seen(), RejectMethod("reweighting", bands=2))
    assert found.rows.tolist() == [0, 1, 2, 3]
    assert found.weights.sum() == 6
    assert reweighting(seen(), RejectMethod("reweighting", bands=4)).weights.tolist() == [1, 3, 1, 1]


def test_fuzzy_augmentation_splits_each_refused_person():
    found = fuzzy_augmentation(seen(), RejectMethod("fuzzy_augmentation"))
    assert found.rows.tolist() == [0, 1, 2, 3, 4, 5, 4, 5]
    assert found.weights[4:].tolist() == pytest.approx([0.3, 0.6, 0.7, 0.4])
    assert found.favourable[4:].tolist() == [True, True, False, False]


def test_fuzzy_augmentation_leaves_a_plain_regression_as_it_was():
    people, good, accepted, _ = made(1500)
    model = LogisticRegression(C=np.inf, tol=1e-9, max_iter=1000).fit(people[accepted], good[accepted])
    chances = model.predict_proba(people)[:, 1]
    n = len(people)
    known = Seen(accepted, good == 1, np.ones(n), chances, np.ones(n), np.random.default_rng(0))
    found = fuzzy_augmentation(known, RejectMethod("fuzzy_augmentation"))
    again = LogisticRegression(C=np.inf, tol=1e-9, max_iter=1000).fit(
        people.iloc[found.rows], found.favourable.astype(float), sample_weight=found.weights
    )
    np.testing.assert_allclose(again.coef_, model.coef_, atol=1e-4)


def test_parcelling_deals_by_the_rate_of_the_band_times_the_factor():
    n = 1000
    observed = np.arange(n) < 600
    known = Seen(observed, np.arange(n) % 5 > 0, np.ones(n), np.full(n, 0.8), np.ones(n), np.random.default_rng(0))
    for factor in (1.0, 2.0):
        found = parcelling(known, RejectMethod("parcelling", factor=factor, bands=1))
        assert (~found.favourable[600:]).sum() == 400 * 0.2 * factor


def test_extrapolation_gives_the_lowest_scores_the_expected_number_of_bad_outcomes():
    found = extrapolation(seen(), RejectMethod("extrapolation"))  # .7 + .4 expected
    assert found.rows[4:].tolist() == [4, 5]
    assert found.favourable[4:].tolist() == [False, True]


def test_self_learning_takes_the_surest_only():
    n = 100
    observed = np.arange(n) < 20
    known = Seen(observed, np.arange(n) % 2 == 0, np.ones(n), np.linspace(0, 1, n), np.ones(n), np.random.default_rng(0))
    found = self_learning(known, RejectMethod("self_learning", surest=0.05))
    assert found.rows[20:].tolist() == [20, 21, 22, 23, 96, 97, 98, 99]
    assert found.favourable[20:].tolist() == [False] * 4 + [True] * 4


@pytest.mark.parametrize("kind", list(KINDS))
def test_outcomes_of_the_refused_are_never_read(kind):
    one = KINDS[kind](seen(), RejectMethod(kind))
    other = KINDS[kind](seen(favourable=np.array([True, False, True, True, True, True])), RejectMethod(kind))
    assert np.array_equal(one.favourable, other.favourable)
    assert np.array_equal(one.weights, other.weights)


# -- what is given and what is said


def test_the_same_input_gives_the_same_table(helped):
    pd.testing.assert_frame_equal(experiment(*helped[0]).table, helped[1].table)


def test_a_scorecard_with_text_outcomes_polars_and_weights():
    polars = pytest.importorskip("polars")
    people, good, accepted, known = made(1200)
    seen_ = accepted | known
    y = pd.Series(np.where(good == 1, "good", "bad")).where(seen_)
    tried = reject_inference_experiment(
        Scorecard(), polars.from_pandas(people), y, seen_, hidden=known, methods=METHODS, favourable="good",
        sample_weight=np.full(1200, 2.0), groups=np.arange(1200) // 2, draws=100, folds=3,
    )  # fmt: skip
    assert set(tried.verdicts) <= {"shown", "not shown", "harms"}
    assert tried.table.loc[0, "people"] == known.sum()


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_sentences_say_how_and_what_to_do_instead(language):
    people, good, accepted, known = made(1000, unseen=0.0)
    said = experiment(people, good, accepted, known, draws=100, methods=METHODS[1:2]).sentences(language)
    assert len(said) == 3
    assert {"en": "bounds", "fr": "bornes"}[language] in said[-1]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        pytest.param({"methods": []}, "none", id="no method"),
        pytest.param({"methods": METHODS[:1] * 2}, "each once", id="a method twice"),
        pytest.param({"confidence": 0.0}, "confidence", id="confidence"),
        pytest.param({"draws": 1}, "draws", id="draws"),
        pytest.param({"favourable": 7}, "not in the target", id="no such class"),
        pytest.param({"hidden": np.zeros(300, bool)}, "hidden", id="nobody hidden"),
        pytest.param({"folds": 1}, "folds", id="one fold"),
    ],
)
def test_what_cannot_be_asked_is_refused(more, said):
    people, good, accepted, known = made(300)
    seen_ = accepted | known
    settings = {"hidden": known, "methods": METHODS, "draws": 100} | more
    with pytest.raises(EquiscoreError, match=said):
        reject_inference_experiment(LogisticRegression(), people, np.where(seen_, good, np.nan), seen_, **settings)


def test_a_constant_outcome_and_a_policy_that_refuses_nobody_are_refused():
    people, good, accepted, _ = made(300)
    with pytest.raises(EquiscoreError, match="1 classes"):
        reject_inference_experiment(LogisticRegression(), people, np.where(accepted, 1.0, np.nan))
    with pytest.raises(EquiscoreError, match="Nobody was refused"):
        reject_inference_experiment(LogisticRegression(), people, good)


def test_weights_are_refused_where_they_would_not_be_heeded():
    people, good, accepted, known = made(400)
    seen_ = accepted | known
    y = np.where(seen_, good, np.nan)
    with pytest.raises(EquiscoreError, match="takes no sample_weight"):
        reject_inference_experiment(KNeighborsClassifier(), people, y, seen_, hidden=known, methods=METHODS[:1], draws=100)
    assert GaussianNB().fit(people, good) is not None


@pytest.mark.parametrize("wrong", [{"kind": "magic"}, {"kind": "parcelling", "factor": 0}, {"kind": "self_learning", "surest": 0.9}])
def test_methods_have_bounds(wrong):
    with pytest.raises(EquiscoreError, match="Fix:"):
        RejectMethod(**wrong)
