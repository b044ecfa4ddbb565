"""Logistic regression on customer tables as they are: a weight a level, a slope a number, and what each gave each person."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from scoring.models.columns import (
    MISSING,
    UNSEEN,
    Kind,
    ModelError,
    as_table,
    check_known,
    check_levels,
    check_two_classes,
    codes_among,
    kind_of,
    names_of,
    read_favourable,
    read_levels,
    read_numbers,
    read_table,
    read_target,
    read_weights,
)
from scoring.models.threads import one_blas_thread

Floats = NDArray[np.float64]
SLOPE = "(one standard deviation)"
"""The term of a number in `LogisticScore.terms_table`."""


@dataclass(frozen=True, slots=True)
class Term:
    """How one column enters: a number by its slope, levels by a weight each; in log-odds of the favourable class."""

    name: str
    levels: tuple[str, ...] | None
    """The levels known at fit, or None for a number."""
    low: float = 0.0
    high: float = 0.0
    """The range of a number at fit; what lies beyond counts as its end."""
    centre: float = 0.0
    spread: float = 1.0
    """Mean and standard deviation of a number at fit."""
    weights: tuple[float, ...] = ()
    """Of a number: one standard deviation more, and missing. Of levels: each in order, then missing, then unseen (0)."""

    def design(self, column: pd.Series) -> Floats:
        """Return the columns that the regression weighs: shape (rows, number of weights)."""
        if self.levels is None:
            values = read_numbers(column, self.name)
            return np.stack([self._standardised(values), np.isnan(values).astype(np.float64)], axis=1)
        return np.eye(len(self.levels) + 2)[codes_among(column, self.levels)]

    def given(self, column: pd.Series) -> Floats:
        """Return what the column gives each person, row by row: nobody's share hangs on who else is asked for."""
        if self.levels is None:
            values = read_numbers(column, self.name)
            return np.where(np.isnan(values), self.weights[1], self.weights[0] * self._standardised(values))
        return np.array(self.weights)[codes_among(column, self.levels)]

    def _standardised(self, values: Floats) -> Floats:
        inside = np.clip(values, self.low, self.high)
        return np.where(np.isnan(values), 0.0, (inside - self.centre) / self.spread)


class LogisticScore(ClassifierMixin, BaseEstimator):
    """Logistic regression for tables with text, categories, yes/no and missing values.

    Numbers are standardised (weighted mean and standard deviation at fit) and enter by a slope, missing ones by a weight of their own
    in its place; a value beyond the range seen at fit counts as the end of that range. Levels have a weight each, missing among
    them, centred so that their mean over the people at fit is 0: a level never seen gives 0, as does a missing value where nobody's was
    missing at fit. All weights but the intercept are held by an L2 penalty.

    Parameters
    ----------
    C : float
        Inverse strength of the penalty.
    favourable : object
        The class of `y` that is good for the person; by default the second in order.

    Attributes
    ----------
    classes_, favourable_ : the two classes of `y`, and the favourable one.
    intercept_ : float, log-odds of the favourable class of a person of mean numbers and mean levels.
    terms_ : tuple of `Term`, one a column.

    References
    ----------
    le Cessie & van Houwelingen 1992, *Applied Statistics* 41:191, for the penalised likelihood.

    Examples
    --------
    >>> people = pd.DataFrame({"home": ["own", "own", "rent", "own", "rent", "rent"]})
    >>> model = LogisticScore().fit(people, ["good", "good", "bad", "good", "good", "bad"])
    >>> base, parts = model.contributions(pd.DataFrame({"home": ["own", "rent", "boat"]}))
    >>> round(base, 2), parts["home"].round(2).tolist()
    (0.76, [0.61, -0.61, 0.0])
    """

    def __init__(self, *, C: float = 1.0, favourable: Any = None) -> None:
        self.C = C
        self.favourable = favourable

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Note means, spreads and levels of each column, and weigh them.

        Raises
        ------
        ModelError
            `C` is not above 0; a target that is not of two classes; a column without a value, or with too many levels.
        """
        if not (isinstance(self.C, int | float | np.number) and 0 < self.C < math.inf):
            raise ModelError(f"LogisticScore: C={self.C!r}. Fix: give a number above 0.")
        columns = read_table(self, X, reset=True)
        self.classes_, numbers = read_target(self, y, len(columns[0]))
        self.favourable_ = read_favourable(self.classes_, self.favourable)
        weights = read_weights(sample_weight, len(columns[0]))
        present = weights > 0
        check_two_classes(numbers[present])
        check_known(columns, names_of(self), present)
        held, people = [column[present] for column in columns], weights[present]
        with one_blas_thread():
            terms = [_noted(name, column, people) for name, column in zip(names_of(self), held, strict=True)]
            self._weigh(terms, held, (self.classes_[numbers] == self.favourable_)[present], people)
        return self

    def _weigh(self, terms: Sequence[Term], columns: Sequence[pd.Series], favourable: NDArray[np.bool_], people: Floats) -> None:
        designs = [term.design(column) for term, column in zip(terms, columns, strict=True)]
        design = np.concatenate(designs, axis=1)
        varies = np.ptp(design, axis=0) > 0  # what is the same for everybody has no weight of its own beside the intercept
        coefficients = np.zeros(design.shape[1])
        self.intercept_ = math.log(people[favourable].sum() / people[~favourable].sum())
        if varies.any():
            # Newton's method, for it stops at the optimum and not somewhere near it
            regression = LogisticRegression(C=self.C, solver="newton-cholesky", tol=1e-10)
            regression.fit(design[:, varies], favourable, sample_weight=people)
            coefficients[varies], self.intercept_ = regression.coef_[0], float(regression.intercept_[0])
        parts = np.split(coefficients, np.cumsum([part.shape[1] for part in designs])[:-1])
        centred = [_centred(*each, people) for each in zip(terms, parts, designs, strict=True)]
        self.terms_ = tuple(term for term, _ in centred)
        self.intercept_ += sum(shift for _, shift in centred)

    def contributions(self, X: Any) -> tuple[float, pd.DataFrame]:
        """Return what everybody gets, and what each column gave each person, in log-odds of the favourable class.

        Returns
        -------
        base : float
        parts : DataFrame (people, columns)
            ``base`` and the columns, added from left to right, are `log_odds` to the last bit.
        """
        columns = self._read(X)
        parts = {term.name: term.given(column) for term, column in zip(self.terms_, columns, strict=True)}
        table = as_table(X)
        return self.intercept_, pd.DataFrame(parts, index=table.index if isinstance(table, pd.DataFrame) else None)

    def terms_table(self) -> pd.DataFrame:
        """Return the model: a row a term, with columns feature, term, log_odds."""
        check_is_fitted(self)
        rows = [(term.name, said, weight) for term in self.terms_ for said, weight in zip(_said(term), term.weights, strict=True)]
        return pd.DataFrame([("(base)", "(everybody)", self.intercept_), *rows], columns=["feature", "term", "log_odds"])

    def log_odds(self, X: Any) -> Floats:
        """Return the log-odds of the favourable class."""
        columns = self._read(X)
        return _added(self.intercept_, (term.given(column) for term, column in zip(self.terms_, columns, strict=True)), len(columns[0]))

    def decision_function(self, X: Any) -> Floats:
        """Return the log-odds of ``classes_[1]``, whichever class is favourable."""
        log_odds = self.log_odds(X)
        return log_odds if self.favourable_ == self.classes_[1] else -log_odds

    def predict_proba(self, X: Any) -> Floats:
        """Return the probability of each class, in the order of ``classes_``."""
        decision = self.decision_function(X)
        return np.stack([expit(-decision), expit(decision)], axis=1)

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the likelier class."""
        above = (self.decision_function(X) > 0).astype(np.intp)
        predicted: NDArray[Any] = self.classes_[above]
        return predicted

    def _read(self, X: Any) -> list[pd.Series]:
        check_is_fitted(self)
        return read_table(self, X, reset=False)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        tags.input_tags.allow_nan = tags.input_tags.string = tags.input_tags.categorical = True
        return tags


def _noted(name: str, column: pd.Series, people: Floats) -> Term:
    """Note the levels of a column, or the range, mean and spread of a number."""
    if kind_of(column) is Kind.LEVELS:
        levels = read_levels(column).names
        check_levels(levels, name)
        return Term(name, levels)
    values = read_numbers(column, name)
    known = ~np.isnan(values)
    values, share = values[known], people[known] / people[known].sum()
    largest = float(np.abs(values).max()) or 1.0  # squares of 1e200 are no numbers any more
    scaled = values / largest
    centre = float(share @ scaled)
    spread = math.sqrt(float(share @ (scaled - centre) ** 2))
    constant = spread <= 1e-12  # noise of the mean, no difference between people
    return Term(name, None, float(values.min()), float(values.max()), centre * largest, 1.0 if constant else spread * largest)


def _centred(term: Term, weights: Floats, design: Floats, people: Floats) -> tuple[Term, float]:
    """Return a term with its weights, those of levels made 0 on the mean, and what this moved to the intercept."""
    if term.levels is None:
        return replace(term, weights=tuple(weights.tolist())), 0.0
    held = people @ design
    shift = float(held @ weights / held.sum())
    return replace(term, weights=tuple(np.where(held > 0, weights - shift, 0.0).tolist())), shift


def _said(term: Term) -> tuple[str, ...]:
    return (SLOPE, MISSING) if term.levels is None else (*term.levels, MISSING, UNSEEN)


def _added(base: float, parts: Iterable[Floats], n_rows: int) -> Floats:
    """Add up column after column, for the sum of one person to be the same bits whoever else is scored with them."""
    total = np.full(n_rows, base)
    for part in parts:
        total = total + part
    return total
