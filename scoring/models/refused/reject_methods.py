"""Ways to train on people whose outcome was never seen: each turns accepted and refused into rows, labels and weights.

Every one of them puts an assumption in the place of the outcomes that are missing. None is applied here: `reject_inference` first asks of
people whose outcome is known whether it would have helped. The methods are those reviewed by Crook & Banasik (2004, *Journal of Banking &
Finance* 28:857) and Ehrhardt et al. (2021, *Journal of Applied Statistics* 48:2734); the latter show that most of them cannot help a model
that is well specified where refusals hang on the features alone, nor repair one where they hang on more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.utils.validation import has_fit_parameter

from scoring.models.columns import ModelError

__all__ = ["KINDS", "RejectMethod", "Seen", "Training", "fit_training", "seen_by"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class RejectMethod:
    """A method and the numbers that whoever uses it chose.

    >>> RejectMethod("parcelling", factor=1.5).name
    'parcelling x1.5'
    """

    kind: str
    """A key of `KINDS`."""
    factor: float = 1.0
    """How many times as often the refused have the unfavourable outcome as the accepted of like score; parcelling and fuzzy augmentation."""
    bands: int = 10
    """Bands of the score; reweighting and parcelling."""
    surest: float = 0.05
    """The share of the refused at either end whose outcome self-learning takes for certain."""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ModelError(f"No way {self.kind!r} of reject inference. Fix: use one of {', '.join(KINDS)}.")
        if not (self.factor > 0 and self.bands >= 1 and 0 < self.surest <= 0.5):
            said = f"factor={self.factor!r}, bands={self.bands!r}, surest={self.surest!r}"
            raise ModelError(f"{self.kind}: {said}. Fix: factor above 0, bands 1 or more, surest above 0 and up to 0.5.")

    @property
    def name(self) -> str:
        """The kind, with its factor where that is not 1."""
        return self.kind if self.factor == 1 else f"{self.kind} x{self.factor:g}"


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What a method may know: arrays (people,)."""

    observed: Bools
    """Whose outcome was seen; the others were refused."""
    favourable: Bools
    """The outcome of those; anything for the others, it is never read."""
    weights: Floats
    good: Floats
    """Probability of the favourable outcome, from a model of the accepted alone (the known good-bad model)."""
    accepted: Floats
    """Probability of being accepted, from a model of everybody."""
    rng: np.random.Generator


@dataclass(frozen=True, slots=True, eq=False)
class Training:
    """What is trained on: positions of rows (some may stand twice), whether the outcome is favourable, weights."""

    rows: NDArray[np.intp]
    favourable: Bools
    weights: Floats


def reweighting(seen: Seen, method: RejectMethod) -> Training:
    """Let the accepted stand for the refused of like chance to be accepted (augmentation; Hsia 1978, Banasik & Crook 2007).

    Within bands of the probability of acceptance, each with as many accepted, weights are times (accepted + refused) / accepted.
    """
    band = _bands(seen.accepted, seen.observed, method.bands)
    everybody, accepted = (np.bincount(band, seen.weights * who, method.bands) for who in (np.ones_like(seen.good), seen.observed))
    times = np.divide(everybody, accepted, out=np.ones(method.bands), where=accepted > 0)
    rows = np.flatnonzero(seen.observed)
    return Training(rows, seen.favourable[rows], seen.weights[rows] * times[band[rows]])


def fuzzy_augmentation(seen: Seen, method: RejectMethod) -> Training:
    """Let each refused person stand twice, with both outcomes, weighted by their probabilities (Siddiqi 2006, ch. 6).

    A logistic regression without penalty that is fitted again to the same features cannot change by it while the factor is 1.
    """
    refused = np.flatnonzero(~seen.observed)
    bad = np.minimum((1 - seen.good[refused]) * method.factor, 1.0)
    both = np.concatenate([seen.weights[refused] * (1 - bad), seen.weights[refused] * bad])
    return _with_accepted(seen, np.tile(refused, 2), np.repeat([True, False], len(refused)), both)


def parcelling(seen: Seen, method: RejectMethod) -> Training:
    """Deal the refused of a band of score into both outcomes at random, the unfavourable `factor` times as often as the accepted of the band.

    Hard parcelling (Siddiqi 2006, ch. 6; Ehrhardt et al. 2021, section 3.5). Bands hold about as many people each; one without accepted takes
    the mean probability in the place of their rate.
    """
    band = _bands(seen.good, np.ones_like(seen.observed), method.bands)
    weight = np.where(seen.observed, seen.weights, 0.0)
    accepted, bad = np.bincount(band, weight, method.bands), np.bincount(band, weight * ~seen.favourable, method.bands)
    expected = np.bincount(band, 1 - seen.good, method.bands) / np.maximum(np.bincount(band, minlength=method.bands), 1)
    rate = np.minimum(np.divide(bad, accepted, out=expected, where=accepted > 0) * method.factor, 1.0)
    refused = np.flatnonzero(~seen.observed)
    place = _place_within(band[refused], seen.rng.permutation(len(refused)))
    wanted = np.rint(rate * np.bincount(band[refused], minlength=method.bands))
    return _with_accepted(seen, refused, place >= wanted[band[refused]], seen.weights[refused])


def extrapolation(seen: Seen, method: RejectMethod) -> Training:  # noqa: ARG001  (all methods are called alike)
    """Give the refused of lowest score the unfavourable outcome, as many as are expected, and the others the favourable one.

    Simple extrapolation with a hard cut-off (Crook & Banasik 2004); where the cut-off lies follows from the model of the accepted.
    """
    refused = np.flatnonzero(~seen.observed)
    unfavourable = int(np.rint((1 - seen.good[refused]).sum()))
    place = np.empty(len(refused), np.intp)
    place[np.argsort(seen.good[refused], kind="stable")] = np.arange(len(refused))
    return _with_accepted(seen, refused, place >= unfavourable, seen.weights[refused])


def self_learning(seen: Seen, method: RejectMethod) -> Training:
    """Take only the refused of the surest scores, at either end, for what the model says of them; leave the others out.

    One round of the labelling of Kozodoi et al. (2019, arXiv 1909.06108) by the model itself; their filter of outliers, their weaker
    labelling model and their repeated rounds are left out.
    """
    refused = np.flatnonzero(~seen.observed)
    order = refused[np.argsort(seen.good[refused], kind="stable")]
    many = min(int(np.ceil(method.surest * len(order))), len(order) // 2)
    chosen = np.concatenate([order[:many], order[len(order) - many :]])
    return _with_accepted(seen, chosen, np.repeat([False, True], many), seen.weights[chosen])


KINDS: Final[Mapping[str, Callable[[Seen, RejectMethod], Training]]] = {
    make.__name__: make for make in (reweighting, fuzzy_augmentation, parcelling, extrapolation, self_learning)
}
"""What `RejectMethod` can be."""


def _with_accepted(seen: Seen, rows: NDArray[np.intp], favourable: Bools, weights: Floats) -> Training:
    accepted = np.flatnonzero(seen.observed)
    parts = [(accepted, rows), (seen.favourable[accepted], favourable), (seen.weights[accepted], weights)]
    whole, outcome, weight = (np.concatenate(part) for part in parts)
    kept = weight > 0
    return Training(whole[kept], outcome[kept], weight[kept])


def _bands(values: Floats, among: Bools, bands: int) -> NDArray[np.intp]:
    """Cut into bands that hold about as many of those `among` each; equal values stay together."""
    edges = np.quantile(values[among], np.arange(1, bands) / bands, method="inverted_cdf")
    return np.searchsorted(edges, values, side="left")


def _place_within(band: NDArray[np.intp], chance: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the place of each within its band, in the order of `chance`."""
    order = np.lexsort((chance, band))
    starts = np.searchsorted(band[order], band[order], side="left")
    place = np.empty(len(band), np.intp)
    place[order] = np.arange(len(band)) - starts
    return place


# -- models ------------------------------------------------------------------------------------------------------------------------


def seen_by(  # noqa: PLR0917  (arrays side by side)
    estimator: Any, acceptance: Any, X: Any, observed: Bools, favourable: Bools, classes: NDArray[Any], weights: Floats, *, seed: int
) -> tuple[Any, Seen]:
    """Fit the model of the accepted alone; return it and what the methods may know.

    `classes` are the unfavourable and the favourable class; `acceptance` learns who was accepted (1) and who refused (0).
    """
    alone = fit_training(estimator, X, Training(np.flatnonzero(observed), favourable[observed], weights[observed]), classes)
    everybody = Training(np.arange(len(observed)), observed, weights)
    gate = fit_training(acceptance, X, everybody, np.array([0, 1]))
    good, accepted = _probability(alone, X, classes[1]), _probability(gate, X, 1)
    return alone, Seen(observed, favourable, weights, good, accepted, np.random.default_rng(seed))


def fit_training(estimator: Any, X: Any, training: Training, classes: NDArray[Any]) -> Any:
    """Fit a copy of an estimator on rows, labels and weights.

    Raises
    ------
    EquiscoreError
        Weights that differ, for an estimator that heeds none.
    """
    copy = clone(estimator)
    if "favourable" in copy.get_params():
        copy.set_params(favourable=classes[1])
    plain = bool((training.weights == 1).all())
    if not plain and not has_fit_parameter(copy, "sample_weight"):
        raise ModelError(f"{type(copy).__name__}.fit takes no sample_weight. Fix: use an estimator that heeds weights, or methods that need none.")
    rows = X.iloc[training.rows] if isinstance(X, pd.DataFrame) else np.asarray(X)[training.rows]
    return copy.fit(rows, classes[training.favourable.astype(np.intp)], **({} if plain else {"sample_weight": training.weights}))


def _probability(fitted: Any, X: Any, wanted: Any) -> Floats:
    return np.asarray(fitted.predict_proba(X), np.float64)[:, list(fitted.classes_).index(wanted)]
