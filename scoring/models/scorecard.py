"""A scorecard: weight of evidence, logistic regression, points. What a person scores is a sum that fits on a sheet of paper."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from scoring.models.binning import FeatureBins, WoEBinner, bin_rows
from scoring.models.card.card_edits import edited, with_bins, with_points
from scoring.models.card.card_html import to_html
from scoring.models.card.cards import read_card, write_card
from scoring.models.card.pmml import to_pmml
from scoring.models.card.scale import BASE, EVERYBODY, Scale, weigh
from scoring.models.columns import ModelError, as_table, distinct_rows, read_target, read_weights

__all__ = ["BASE", "EVERYBODY", "WRONG_SIGN", "Scale", "Scorecard"]

WRONG_SIGN = ("keep", "warn", "drop")
"""What to do with a feature whose weight is negative: the card would give fewer points for better evidence."""


class Scorecard(ClassifierMixin, BaseEstimator):
    """Score people by adding up points; more points are more favourable, always.

    Each feature is replaced by the weight of evidence of its bin (`WoEBinner`), features of an information value under `min_iv`
    are left out, a logistic regression weighs the rest, and the weighed evidence is written as points:
    ``base + sum of the points of one's bins``. The base row holds the intercept, so 0 points is neutral: a value that is missing
    or unseen, and was so for nobody at fit, gains nothing and loses nothing.

    `score_points` *is* the sum of the rows of `points_table`, for every person. `predict_proba` and `predict` come from the
    unrounded evidence; with `round_points` two people of equal points may thus differ a little in probability. A card edited by
    hand (`with_points`, `with_bins`, `edited`) has its probabilities from its points instead; see `card_edits`.

    Fitted on counts of like people in sorted order: neither the order of rows, nor one row of weight 2 in the place of
    two, changes the card.

    Parameters
    ----------
    base_points, base_odds, pdo : float
        600 points at odds of 50 favourable to 1, and 20 points to double the odds: the scale of Siddiqi's textbook (Credit
        Risk Scorecards, 2006), which most readers of scorecards know. They change no order between people.
    round_points : bool
        Whole points, as on a printed card; the sum is then exact by construction.
    min_iv : float
        Least information value of a feature that enters. 0.02 is the customary bound of "not predictive"; but many weak features tell
        much together (20 of them: .024 in AUC), shrinkage keeps down those that tell nothing, and no set of 27 loses over .001 at 0.
    C : float
        Inverse strength of the L2 penalty of the regression.
    wrong_sign : {"keep", "warn", "drop"}
        What to do with a feature that, beside the others, weighs negatively: it takes points for better evidence, which is hard to
        explain to the person, and custom is to leave it out (Siddiqi 2006). "keep" keeps it, and ``wrong_sign_`` names it; "warn" also
        warns; "drop" leaves out the lowest weight and fits again until none is negative. Dropping costs .001 in AUC in the mean
        of 39 data sets, .007 at most.
    favourable : object
        The class of `y` that is good for the person; by default the second in order.
    binner : WoEBinner
        How to bin; by default ``WoEBinner()``. Its own `favourable` is overruled by that of the card. Its parameters can be set
        (``set_params(binner__max_bins=5)``, a grid search) whether one is given or not.

    Attributes
    ----------
    classes_, favourable_ : the two classes of `y`, and the favourable one.
    binner_ : WoEBinner, fitted on all features.
    features_ : tuple of the names that entered. ``coef_``, ``intercept_`` : log-odds of the favourable class.
    wrong_sign_ : tuple of the names that weighed negatively: left out, or kept, as `wrong_sign` says.
    edits_ : tuple of mappings, one an edit by hand: feature, bin, before, after, who, why. Empty after a fit.
    base_ : points that everybody gets. ``points_`` : tuple (a feature) of tuples (a bin), as ordered in ``binner_.bins_``.

    Examples
    --------
    >>> people = pd.DataFrame({"home": ["own", "own", "rent", "own", "rent", "rent"] * 50})
    >>> card = Scorecard().fit(people, ["good", "good", "bad", "good", "good", "bad"] * 50)
    >>> card.points_table()[["feature", "bin", "points"]].values.tolist()
    [['(base)', '(everybody)', 529], ['home', 'own', 130], ['home', 'rent', -62], ['home', '(missing)', 0], ['home', '(unseen)', 0]]
    >>> card.score_points(pd.DataFrame({"home": ["own", None, "boat"]}))
    array([659, 529, 529])
    """

    def __init__(
        self,
        *,
        base_points: float = 600,
        base_odds: float = 50,
        pdo: float = 20,
        round_points: bool = True,
        min_iv: float = 0.0,
        C: float = 1.0,
        wrong_sign: str = "keep",
        favourable: Any = None,
        binner: WoEBinner | None = None,
    ) -> None:
        self.base_points = base_points
        self.base_odds = base_odds
        self.pdo = pdo
        self.round_points = round_points
        self.min_iv = min_iv
        self.C = C
        self.wrong_sign = wrong_sign
        self.favourable = favourable
        self.binner = binner

    def set_params(self, **params: Any) -> Self:
        """Set parameters; ``binner__...`` sets those of the binner, of a default one where there is none."""
        if self.binner is None and params.get("binner") is None and any(name.startswith("binner__") for name in params):
            self.binner = WoEBinner()
            params.pop("binner", None)
        super().set_params(**params)
        return self

    # -- fitting

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Bin, select, weigh and write the points."""
        self._check_parameters()
        X = as_table(X)
        binner = WoEBinner() if self.binner is None else clone(self.binner)
        self.binner_: WoEBinner = binner.set_params(favourable=self.favourable)
        codes = binner.fit_codes(X, y, sample_weight)
        self.classes_, self.favourable_ = binner.classes_, binner.favourable_
        telling = [j for j, bins in enumerate(binner.bins_) if bins.information_value > 0 and bins.information_value >= self.min_iv]
        _, numbers = read_target(self, y, len(codes))
        self._weigh(codes, telling, self.classes_[numbers] == self.favourable_, read_weights(sample_weight, len(codes)))
        self.edits_: tuple[dict[str, Any], ...] = ()
        self._write_points()
        return self

    def _weigh(self, codes: NDArray[np.int16], telling: list[int], favourable: NDArray[np.bool_], weights: NDArray[np.float64]) -> None:
        present, bins_ = weights > 0, self.binner_.bins_
        rows, people = distinct_rows(np.column_stack([codes[:, telling], favourable])[present], weights[present])
        evidence = np.stack([np.zeros(len(rows)), *(np.array(bins_[j].woe)[rows[:, k]] for k, j in enumerate(telling))], axis=1)[:, 1:]
        found = weigh(evidence, rows[:, -1], people, C=self.C, only_positive=self.wrong_sign == "drop")
        self.coef_, self.intercept_ = found.coefficients, found.intercept
        self.features_ = tuple(bins_[telling[k]].name for k in found.kept)
        wrong = [bins_[j].name for k, j in enumerate(telling) if k not in found.kept]
        self.wrong_sign_ = (*wrong, *(name for name, weight in zip(self.features_, self.coef_, strict=True) if weight < 0))
        if self.wrong_sign_ and self.wrong_sign == "warn":
            warnings.warn(
                f"Scorecard: {', '.join(map(str, self.wrong_sign_))}: better evidence takes points. Fix: leave out.", UserWarning, stacklevel=3
            )

    def _write_points(self) -> None:
        scale = self.scale
        self.base_ = self._rounded(scale.offset + scale.factor * self.intercept_)
        self.points_ = tuple(tuple(self.points_of(j)) for j in range(len(self.features_)))

    def points_of(self, j: int) -> list[float]:
        """Return the points that the evidence of the j-th feature is worth, by bin."""
        return [self._rounded(self.scale.factor * part) for part in self._evidence()[j]]

    @property
    def scale(self) -> Scale:
        """How the log-odds of this card become points."""
        return Scale.through(self.base_points, self.base_odds, self.pdo)

    def _rounded(self, points: float) -> float:
        return round(points) if self.round_points else points

    def _check_parameters(self) -> None:
        if not (self.base_odds > 0 and self.pdo > 0 and self.C > 0 and self.min_iv >= 0 and math.isfinite(self.base_points)):
            raise ModelError(
                f"Scorecard: base_points={self.base_points!r}, base_odds={self.base_odds!r}, pdo={self.pdo!r}, C={self.C!r}, min_iv={self.min_iv!r}. "
                f"Fix: odds, pdo and C above 0, min_iv 0 or more, base points a finite number."
            )
        if self.wrong_sign not in WRONG_SIGN:
            raise ModelError(f"Scorecard: wrong_sign={self.wrong_sign!r} is not known. Fix: use one of {', '.join(WRONG_SIGN)}.")

    def __setstate__(self, state: Any) -> None:
        """Read a stored card; one from before `wrong_sign` and edits kept every feature, and has no edits."""
        super().__setstate__(state | {name: value for name, value in _BEFORE.items() if name not in state})

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        tags.input_tags.allow_nan = tags.input_tags.string = tags.input_tags.categorical = True
        return tags

    # -- reading

    def score_points(self, X: Any) -> NDArray[Any]:
        """Return the points of each person: whole numbers where `round_points`."""
        codes = self._codes(X)
        return _added(codes, self.base_, self.points_)

    def points_by_feature(self, X: Any) -> pd.DataFrame:
        """Return what each feature gave each person; a row adds up to their score. The first column is the base."""
        codes = self._codes(X)
        parts = {name: np.array(points)[codes[:, j]] for j, (name, points) in enumerate(zip(self.features_, self.points_, strict=True))}
        return pd.DataFrame({BASE: np.full(len(codes), self.base_), **parts}, index=X.index if isinstance(X, pd.DataFrame) else None)

    def contributions(self, X: Any) -> tuple[float, pd.DataFrame]:
        """Return the base, and what each feature gave each person, in points: base + a row's sum is the score.

        Exactly so for a card of whole points, and to 1e-9 otherwise. `scoring.models.explaining.contributions` does it for any model.
        """
        return float(self.base_), self.points_by_feature(X).iloc[:, 1:]

    def points_table(self) -> pd.DataFrame:
        """Return the card: one row a bin, the base first: feature, bin, points, woe, count (by weight), favourable_share.

        A bin in which nobody was at fit has count 0, no share, and 0 points.
        """
        check_is_fitted(self)
        entered = self._entered()
        first = self.binner_.bins_[0]
        good, bad = sum(first.favourable), sum(first.unfavourable)
        base = pd.DataFrame({"feature": [BASE], "bin": [EVERYBODY], "woe": [0.0], "count": [good + bad], "favourable_share": [good / (good + bad)]})
        rows = pd.concat([base, *map(bin_rows, entered)], ignore_index=True)
        rows["points"] = [self.base_, *(points for feature in self.points_ for points in feature)]
        return rows[["feature", "bin", "points", "woe", "count", "favourable_share"]]

    def information_values(self) -> pd.Series:
        """Return the information value of every feature, whether it entered or not."""
        check_is_fitted(self)
        return self.binner_.information_values()

    def log_odds(self, X: Any) -> NDArray[np.float64]:
        """Return the log-odds of the favourable class, unrounded; those that the points stand for where the card was edited."""
        codes = self._codes(X)
        if self.is_edited:
            return self.scale.log_odds(_added(codes, self.base_, self.points_))
        return _added(codes, self.intercept_, self._evidence())

    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """Return the log-odds of ``classes_[1]``, whichever class is favourable."""
        log_odds = self.log_odds(X)
        return log_odds if self.favourable_ == self.classes_[1] else -log_odds

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Return the probability of each class, in the order of ``classes_``, from the unrounded evidence."""
        decision = self.decision_function(X)
        return np.stack([expit(-decision), expit(decision)], axis=1)

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the likelier class. A cut-off chosen for its consequences is `choose_cutoff`'s."""
        above = (self.decision_function(X) > 0).astype(np.intp)
        predicted: NDArray[Any] = self.classes_[above]
        return predicted

    @property
    def is_edited(self) -> bool:
        """Whether points or bins were changed by hand; a card stored before there were edits has none."""
        return bool(getattr(self, "edits_", ()))

    def _codes(self, X: Any) -> NDArray[np.int16]:
        check_is_fitted(self)
        return self.binner_.codes(X)[:, [bins.name in self.features_ for bins in self.binner_.bins_]]

    def _entered(self) -> list[FeatureBins]:
        return [bins for bins in self.binner_.bins_ if bins.name in self.features_]

    def _evidence(self) -> list[list[float]]:
        """Log-odds that each bin adds, by feature."""
        return [[float(weight) * woe for woe in bins.woe] for weight, bins in zip(self.coef_, self._entered(), strict=True)]

    @property
    def n_features_in_(self) -> int:
        """Number of columns at fit."""
        return int(self.binner_.n_features_in_)

    @property
    def feature_names_in_(self) -> NDArray[Any]:
        """Names of the columns at fit, where they had names."""
        names: NDArray[Any] = self.binner_.feature_names_in_
        return names

    # -- changing and showing it: free functions, of their own files

    with_points, with_bins, edited = with_points, with_bins, edited
    to_html, to_pmml = to_html, to_pmml

    # -- storing

    def to_dict(self) -> dict[str, Any]:
        """Return the fitted card as plain values that ``json.dumps`` writes and `from_dict` reads back exactly."""
        check_is_fitted(self)
        return write_card(self)

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        """Read a card that `to_dict` wrote; every row scores as it did. What is not such a card is refused."""
        return read_card(cls, stored)


_BEFORE = {"wrong_sign": "keep", "edits_": ()}
"""What a stored card did that does not say so."""


def _added(codes: NDArray[np.int16], base: float, parts: Sequence[Sequence[float]]) -> NDArray[Any]:
    """Add up column after column, for the sum of one person to be the same bits whoever else is scored with them."""
    total = np.full(len(codes), base)
    for j, values in enumerate(parts):
        total = total + np.array(values)[codes[:, j]]
    return total
