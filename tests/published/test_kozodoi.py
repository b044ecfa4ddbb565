"""Kozodoi, Jacob & Lessmann 2022 (EJOR 297:1083) on German credit by age: their test set, their cut-off, the sign of the gap and its fall.

Their figures are those of the files of their repository (results/final/german_*_bench_maxprof_results.csv and output/results_german.html).
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import kozodoi

from scoring.models.scorecard import Scorecard

pytestmark = pytest.mark.skipif(not kozodoi.GERMAN.is_file(), reason=f"{kozodoi.GERMAN} is not here")

GLM_GAPS = [0.200366664120388, 0.224581773737682, 0.305477045298297, 0.378275150867008, 0.362080818883202]
"""Statistical parity difference of their logistic regression, fold by fold, without sign."""


@pytest.fixture(scope="module")
def loans():
    return kozodoi.read_loans()


@pytest.fixture(scope="module")
def runs(loans):
    """Return the measures of a scorecard, fold by fold: as it comes, and reweighed."""
    splits = [kozodoi.Split.of(1000, 1, fold) for fold in range(kozodoi.FOLDS)]

    def measured(*, reweighed):
        found = [kozodoi.judged(loans, split.test, kozodoi.run(loans, Scorecard, split, reweighed=reweighed)) for split in splits]
        return {name: np.array([one[name][0] for one in found]) for name in kozodoi.MEASURES}

    return measured(reweighed=False), measured(reweighed=True)


def test_the_test_set_is_theirs(loans):
    _, test = kozodoi.partition(1000, seed=1)
    profit_per_loan, profit_per_euro = 129.836132, 0.03961095618482  # of glm, fold 0
    assert loans.amount[test].mean() == pytest.approx(profit_per_loan / profit_per_euro, rel=1e-9)
    young = int((~loans.old[test]).sum())
    counts = np.array(GLM_GAPS) * young * (300 - young)
    assert young == 53
    assert counts == pytest.approx(counts.round(), abs=1e-6)  # a difference of two shares of these sizes is a whole number over their product


def test_their_expected_profit_has_the_roles_of_the_classes_exchanged():
    largest_loss_given_default = kozodoi.P_ALL + (1 - kozodoi.P_ALL - kozodoi.P_NONE) / 2
    theirs = [0.167624870389104, 0.167425226724918, 0.16988358057177, 0.167757400067041, 0.168427177155729]  # glm, by fold
    assert largest_loss_given_default == pytest.approx(kozodoi.LOSS)
    assert min(theirs) > largest_loss_given_default * 0.3
    assert max(theirs) < largest_loss_given_default * 0.7


def test_the_gap_has_their_size_and_the_young_are_accepted_less_often(runs):
    before, _ = runs
    assert (before["parity"] < 0).all()
    assert -before["parity"].mean() == pytest.approx(kozodoi.THEIRS["unconstrained"]["parity"], abs=0.06)
    assert -before["parity"] == pytest.approx(GLM_GAPS, abs=0.1)


def test_it_falls_under_reweighing(runs):
    before, after = runs
    assert (np.abs(after["parity"]) < np.abs(before["parity"])).all()
    assert kozodoi.THEIRS["reweighing"]["parity"] < kozodoi.THEIRS["unconstrained"]["parity"]
    assert after["parity"].mean() - before["parity"].mean() > 0.05


def test_auc_and_acceptance_are_about_theirs(runs):
    before, after = runs
    assert before["AUC"].mean() == pytest.approx(kozodoi.THEIRS["unconstrained"]["AUC"], abs=0.02)
    assert before["accepted"].mean() == pytest.approx(kozodoi.ACCEPTED, abs=0.03)
    assert abs(after["AUC"].mean() - before["AUC"].mean()) < 0.02  # on the same people; theirs falls by .052, on people drawn anew
