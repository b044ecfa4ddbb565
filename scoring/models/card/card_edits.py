"""A scorecard changed by hand: its points, or its bins. The card says so, with who and why, wherever it goes.

An edited card has nothing behind its points but the points: its probabilities are those that its scale gives to its points
(``odds = exp((points - offset) / factor)``), no longer those of the regression. Whether they are still true of people is to be
measured anew. The card that is edited stays as it is; what is returned is another.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from scoring.models.binning import FeatureBins, weighed
from scoring.models.card.grouping import OTHERS, group_levels, is_grouping
from scoring.models.card.ranges import places_among, read_edges
from scoring.models.card.scale import BASE, EVERYBODY
from scoring.models.columns import Kind, ModelError, as_table, level_name

KEY: Final = ["feature", "bin"]


# -- points ------------------------------------------------------------------------------------------------------------------------


def with_points(card: Any, feature: str, bin: str, points: Any, *, who: str, why: str) -> Any:  # noqa: A002  (the column's name)
    """Return the card with other points in one bin.

    Parameters
    ----------
    feature, bin
        As in `points_table`; ``"(base)"`` and ``"(everybody)"`` for what everybody gets.
    points
        Whole where the card rounds its points.
    who, why
        Kept in ``edits_`` and in every form of the card.

    Raises
    ------
    ModelError
        No such bin; points that are not finite, or not whole; nobody, or no reason.

    Examples
    --------
    >>> from scoring.models import Scorecard
    >>> people = pd.DataFrame({"home": ["own", "own", "rent", "own", "rent", "rent"] * 50})
    >>> card = Scorecard().fit(people, ["good", "good", "bad", "good", "good", "bad"] * 50)
    >>> kinder = card.with_points("home", "rent", -10, who="credit committee", why="62 points less were not defensible")
    >>> int(kinder.score_points(people)[2]), int(card.score_points(people)[2]), kinder.edits_[0]["before"]
    (519, 467, -62)
    """
    check_is_fitted(card)
    value, edited = _readable(card, points), _copy(card)
    if (feature, bin) == (BASE, EVERYBODY):
        before, edited.base_ = card.base_, value
    else:
        j = _entered(card, feature)
        labels = _bins_of(card, feature).labels
        if bin not in labels:
            raise ModelError(f"{feature!r} has no bin {bin!r}. Fix: use one of {', '.join(map(repr, labels))}.")
        row = list(card.points_[j])
        before, row[labels.index(bin)] = row[labels.index(bin)], value
        edited.points_ = (*card.points_[:j], tuple(row), *card.points_[j + 1 :])
    return _signed(edited, {"feature": feature, "bin": bin, "before": before, "after": value}, who, why)


def edited(card: Any, table: pd.DataFrame, *, who: str, why: str) -> Any:
    """Return the card with the points of an edited `points_table`; each bin whose points differ is one edit.

    Parameters
    ----------
    table
        At least the columns feature, bin, points, with a row for each row of `points_table`, in any order.

    Raises
    ------
    ModelError
        A row is missing, is there twice, or is not of this card; points as in `with_points`.
    """
    now = card.points_table().set_index(KEY)["points"]
    if missing := {*KEY, "points"} - set(table.columns):
        raise ModelError(f"The edited table lacks {', '.join(sorted(missing))}. Fix: edit what points_table gave.")
    then = table.set_index(KEY)["points"]
    odd = [*then.index[then.index.duplicated()], *then.index.symmetric_difference(now.index)]
    if odd:
        raise ModelError(f"The edited table and the card differ in the row {tuple(odd[0])}. Fix: keep each row of points_table once.")
    for row in then.reindex(now.index).reset_index().itertuples():
        if row.points != now[row.feature, row.bin]:
            card = with_points(card, str(row.feature), str(row.bin), row.points, who=who, why=why)
    return card


# -- bins --------------------------------------------------------------------------------------------------------------------------


def with_bins(card: Any, feature: str, cuts: Sequence[Any], *, who: str, why: str, X: Any = None, y: Any = None, sample_weight: Any = None) -> Any:
    """Return the card with one feature binned otherwise: the WoE is that of the new bins, the feature's weight in the card stays.

    Parameters
    ----------
    feature
        One that entered the card.
    cuts
        Upper edges, or lists of levels, as in `WoEBinner`. Where they only join bins of the card nothing else is needed: its counts add up.
    X, y, sample_weight
        The people the card was fitted on, for cuts that part its bins. Others are refused: points of one card come from one population.
    who, why
        As in `with_points`. Points set by hand in this feature before are replaced.

    Raises
    ------
    ModelError
        The cuts part a bin of the card and no people are given; or the people are not those of the fit, by their number of each class.
    """
    j, old = _entered(card, feature), _bins_of(card, feature)
    new = _joined(card, old, cuts) if X is None else _refitted(card, old, cuts, (X, y, sample_weight))
    done = _copy(card)
    done.binner_.bins_ = tuple(new if bins.name == feature else bins for bins in card.binner_.bins_)
    done.points_ = (*card.points_[:j], tuple(done.points_of(j)), *card.points_[j + 1 :])
    return _signed(done, {"feature": feature, "bin": None, "before": list(old.labels), "after": list(new.labels)}, who, why)


def _joined(card: Any, old: FeatureBins, cuts: Sequence[Any]) -> FeatureBins:
    """Return coarser bins, with the people of those that they join."""
    if is_grouping(cuts) != (old.kind == Kind.LEVELS):
        raise ModelError(f"cuts of {old.name!r}: {list(cuts)!r}. Fix: give lists of levels for levels, edges for numbers; or give X and y.")
    new, place = _joined_levels(old, cuts) if old.kind == Kind.LEVELS else _joined_ranges(old, cuts)
    counts = np.stack([np.bincount(place, people, minlength=len(new.labels)).astype(np.float64) for people in old.counts])
    return weighed(new, counts, card.binner_)


def _joined_ranges(old: FeatureBins, cuts: Sequence[Any]) -> tuple[FeatureBins, NDArray[np.intp]]:
    edges = read_edges(cuts, old.name)
    if added := sorted(set(edges) - set(old.edges)):
        raise ModelError(f"cuts of {old.name!r}: {added[0]!r} parts a bin of the card. Fix: use some of {list(old.edges)}, or give X and y.")
    ranges = places_among(edges, np.array([*old.edges, np.inf]))
    return replace(old, edges=edges), np.concatenate([ranges, len(edges) + 1 + np.arange(len(old.special) + 1)])


def _joined_levels(old: FeatureBins, groups: Sequence[Sequence[Any]]) -> tuple[FeatureBins, NDArray[np.intp]]:
    """Return the joined bins, and the new bin of each old one; bins of which no level is named stay as they are."""
    named = {level_name(level) for group in groups for level in group}
    held = [[level for level, place in zip(old.levels, _places(old), strict=True) if place == k] for k in range(len(old.labels) - 2)]
    kept = [] if OTHERS in named else [levels for levels in held if not named & set(levels)]
    levels, places = group_levels(old.levels, [*groups, *kept], old.name)
    if unknown := set(levels) - set(old.levels) - {OTHERS}:
        raise ModelError(f"cuts of {old.name!r}: no level {min(unknown)!r} on the card. Fix: use some of {', '.join(old.levels)}.")
    bin_of = dict(zip(levels, places, strict=True))
    went = [{bin_of.get(level, bin_of.get(OTHERS, -1)) for level in levels} for levels in held]
    if parted := [levels for levels, bins in zip(held, went, strict=True) if len(bins) > 1]:
        raise ModelError(f"cuts of {old.name!r} part a bin of the card, {parted[0]}. Fix: keep its levels together, or give X and y.")
    end = max(places) + 1
    return replace(old, levels=levels, places=places), np.array([*(bins.pop() for bins in went), end, end + 1], np.intp)


def _places(bins: FeatureBins) -> Sequence[int]:
    return bins.places or range(len(bins.levels))


def _refitted(card: Any, old: FeatureBins, cuts: Sequence[Any], people: tuple[Any, Any, Any]) -> FeatureBins:
    """Return the bins of the same people under other cuts."""
    names = [bins.name for bins in card.binner_.bins_]
    X, y, sample_weight = as_table(people[0]), *people[1:]
    column = X[old.name] if isinstance(X, pd.DataFrame) and old.name in X else pd.DataFrame(X).iloc[:, names.index(old.name)]
    asked = {"cuts": {old.name: cuts}, "special": {old.name: old.special} if old.special else None, "favourable": card.favourable_}
    binner = clone(card.binner_).set_params(**asked).fit(pd.DataFrame({old.name: column}), y, sample_weight)
    new: FeatureBins = binner.bins_[0]
    if not np.allclose(new.counts.sum(axis=1), old.counts.sum(axis=1), rtol=1e-9, atol=0):
        here, there = (f"{favourable:g} favourable and {others:g} others" for favourable, others in (bins.counts.sum(axis=1) for bins in (new, old)))
        raise ModelError(f"X and y hold {here}, the card was fitted on {there}. Fix: give the people of the fit, or fit a card anew.")
    return new


# -- small parts -------------------------------------------------------------------------------------------------------------------


def _copy(card: Any) -> Any:
    done = copy.copy(card)
    done.binner_ = copy.copy(card.binner_)
    return done


def _signed(card: Any, edit: dict[str, Any], who: str, why: str) -> Any:
    if not (isinstance(who, str) and who.strip() and isinstance(why, str) and why.strip()):
        raise ModelError(f"An edit by {who!r} because {why!r}. Fix: say who changes the card and why; both are kept in it.")
    card.edits_ = (*getattr(card, "edits_", ()), {**edit, "who": who, "why": why})
    return card


def _bins_of(card: Any, feature: str) -> FeatureBins:
    found: FeatureBins = next(bins for bins in card.binner_.bins_ if bins.name == feature)
    return found


def _entered(card: Any, feature: str) -> int:
    check_is_fitted(card)
    if feature not in card.features_:
        raise ModelError(f"{feature!r} is not a feature of the card. Fix: use one of {', '.join(map(str, card.features_))}.")
    return int(card.features_.index(feature))


def _readable(card: Any, points: Any) -> float:
    """Return points as the card holds them: a whole number where it rounds."""
    if isinstance(points, bool) or not isinstance(points, int | float | np.number) or not math.isfinite(points):
        raise ModelError(f"{points!r} are no points. Fix: give a finite number.")
    if not card.round_points:
        return float(points)
    if float(points) != round(float(points)):
        raise ModelError(f"{points!r} points on a card of whole points. Fix: give a whole number, or fit with round_points=False.")
    return round(float(points))
