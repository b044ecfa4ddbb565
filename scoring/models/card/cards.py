"""A scorecard as plain JSON: to store it, sign it, read it without any library of ours, and score with it again.

To change the format, add one to `VERSION`, write the new form, and keep the old reader in `READERS`: a stored card is read for
as long as a decision that it took can be contested.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np

from scoring.models.binning import FeatureBins, WoEBinner
from scoring.models.card.scale import BASE, EVERYBODY
from scoring.models.columns import Kind, ModelError

FORMAT = "equiscore-scorecard"
VERSION = 2
CARD_PARAMETERS = ("base_points", "base_odds", "pdo", "round_points", "min_iv", "C", "wrong_sign", "favourable")
EDIT = ("feature", "bin", "before", "after", "who", "why")

Card = TypeVar("Card")
Stored = Mapping[str, Any]


# -- writing -----------------------------------------------------------------------------------------------------------------------


def write_card(card: Any) -> dict[str, Any]:
    """Return a fitted card as mappings, lists, texts, numbers and None. Python writes floats so that they read back exactly."""
    named = hasattr(card, "feature_names_in_")
    points = dict(zip(card.features_, card.points_, strict=True))
    weights = dict(zip(card.features_, card.coef_, strict=True))
    return {
        "format": FORMAT,
        "version": VERSION,
        "parameters": {name: _plain(getattr(card, name)) for name in CARD_PARAMETERS},
        "binner": None if card.binner is None else _plain(card.binner.get_params()),
        "binner_fitted": _plain(card.binner_.get_params()),
        "classes": [_plain(known) for known in card.classes_],
        "classes_dtype": card.classes_.dtype.str,
        "favourable": _plain(card.favourable_),
        "names_known": named,
        "intercept": card.intercept_,
        "base_points_everybody": card.base_,
        "wrong_sign": list(getattr(card, "wrong_sign_", ())),
        "edits": _plain(getattr(card, "edits_", ())),
        "features": [_write_bins(bins, weights.get(bins.name), points.get(bins.name)) for bins in card.binner_.bins_],
    }


def _write_bins(bins: FeatureBins, weight: float | None, points: Sequence[float] | None) -> dict[str, Any]:
    return {
        "name": bins.name,
        "kind": bins.kind,
        "edges": list(bins.edges),
        "special": list(bins.special),
        "levels": list(bins.levels),
        "places": list(bins.places),
        "bins": list(bins.labels),
        "favourable": list(bins.favourable),
        "unfavourable": list(bins.unfavourable),
        "woe": list(bins.woe),
        "coefficient": None if weight is None else float(weight),
        "points": None if points is None else list(points),
    }


def _plain(value: Any) -> Any:
    """Return a value as JSON knows it, or refuse it: a class that is a date, say, would read back as text."""
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, Mapping):
        return {str(key): _plain(held) for key, held in value.items()}
    if isinstance(value, np.ndarray | list | tuple | set | frozenset):
        return [_plain(held) for held in (sorted(value, key=str) if isinstance(value, set | frozenset) else value)]
    if value is None or isinstance(value, str | bool | int | float):
        return value
    raise ModelError(f"A scorecard with {value!r} ({type(value).__name__}) cannot be written as JSON. Fix: use text, numbers or truth values.")


# -- reading -----------------------------------------------------------------------------------------------------------------------


def read_card(cls: type[Card], stored: Stored) -> Card:
    """Check a stored card whole, then build it."""
    if stored.get("format") != FORMAT:
        raise ModelError(f"This is not a scorecard: its format is {stored.get('format')!r}. Fix: give what Scorecard.to_dict wrote.")
    version: Any = stored.get("version")
    if version not in READERS:
        raise ModelError(f"Scorecard format {version!r} is not known here, only {list(READERS)}. Fix: read it with the release that wrote it.")
    try:
        card: Card = READERS[version](cls, stored)
    except ModelError:
        raise
    except (KeyError, ValueError, TypeError, AttributeError, IndexError) as fault:
        raise ModelError(f"The stored scorecard is damaged ({type(fault).__name__}: {fault}). Fix: give it as Scorecard.to_dict wrote it.") from fault
    return card


def _read_v1(cls: Any, stored: Stored) -> Any:
    """Add what version 1 had not: it kept weights of either sign, did not shrink, and knew no special values, groups or edits."""
    binners = {name: stored[name] and {"shrink": False, **stored[name]} for name in ("binner", "binner_fitted")}
    features = [{**part, "special": [], "places": []} for part in stored["features"]]
    parameters = {"wrong_sign": "keep", **stored["parameters"]}
    return _read(cls, {**stored, **binners, "parameters": parameters, "features": features, "edits": [], "wrong_sign": []})


def _read(cls: Any, stored: Stored) -> Any:
    features = [*map(_read_bins, stored["features"])]
    entered = [(bins, part) for bins, part in zip(features, stored["features"], strict=True) if part["coefficient"] is not None]
    binner = None if stored["binner"] is None else WoEBinner(**stored["binner"])
    card = cls(**stored["parameters"], binner=binner)
    card.binner_ = _read_binner(stored, features)
    card.classes_, card.favourable_ = card.binner_.classes_, card.binner_.favourable_
    card.features_ = tuple(bins.name for bins, _ in entered)
    card.wrong_sign_ = tuple(map(str, stored["wrong_sign"]))
    card.coef_ = np.array([part["coefficient"] for _, part in entered], dtype=np.float64)
    card.intercept_ = _number(stored["intercept"])
    card.base_ = _number(stored["base_points_everybody"])
    card.points_ = tuple(tuple(map(_number, part["points"])) for _, part in entered)
    card.edits_ = tuple(map(_read_edit, stored["edits"]))
    _check_points(card, [bins for bins, _ in entered])
    return card


def _read_edit(edit: Stored) -> dict[str, Any]:
    """Read one edit; one that does not say who and why is as good as none."""
    if set(edit) != set(EDIT) or not (str(edit["who"]).strip() and str(edit["why"]).strip()):
        raise ModelError(f"The stored scorecard has an edit that does not say {', '.join(EDIT)}: {edit!r}. Fix: give it as to_dict wrote it.")
    return {name: edit[name] for name in EDIT}


def _read_binner(stored: Stored, features: Sequence[FeatureBins]) -> WoEBinner:
    binner = WoEBinner(**stored["binner_fitted"])
    binner.classes_ = np.array(stored["classes"], dtype=stored["classes_dtype"])
    if len(binner.classes_) != 2 or stored["favourable"] not in stored["classes"]:
        raise ModelError(f"The stored scorecard has the classes {stored['classes']!r}. Fix: two, one of them the favourable one.")
    binner.favourable_ = binner.classes_[stored["classes"].index(stored["favourable"])]
    binner.bins_ = tuple(features)
    binner.n_features_in_ = len(features)
    if stored["names_known"]:
        binner.feature_names_in_ = np.array([bins.name for bins in features], dtype=object)
    return binner


def _read_bins(part: Stored) -> FeatureBins:
    edges, favourable, unfavourable, woe = (tuple(map(_number, part[key])) for key in ("edges", "favourable", "unfavourable", "woe"))
    special, places = tuple(map(_number, part["special"])), tuple(map(int, part["places"]))
    levels = tuple(map(str, part["levels"]))
    bins = FeatureBins(str(part["name"]), Kind(part["kind"]).value, edges, levels, favourable, unfavourable, woe, special, places)
    if places and (len(places) != len(levels) or set(places) != set(range(max(places) + 1))):
        raise ModelError(f"The stored scorecard has faulty bins for {bins.name!r}. Fix: give it as Scorecard.to_dict wrote it.")
    lengths = {len(favourable), len(unfavourable), len(woe), len(bins.labels), len(bins.labels if part["points"] is None else part["points"])}
    if len(lengths) > 1 or any(low >= high for low, high in pairwise(edges)) or len(set(bins.levels)) < len(bins.levels):
        raise ModelError(f"The stored scorecard has faulty bins for {bins.name!r}. Fix: give it as Scorecard.to_dict wrote it.")
    return bins


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ModelError(f"The stored scorecard holds {value!r} where a finite number belongs. Fix: give it as Scorecard.to_dict wrote it.")
    return value


def _check_points(card: Any, entered: Sequence[FeatureBins]) -> None:
    """Refuse points that are neither those of the stored evidence nor declared as edited: the card would say one thing and mean another."""
    allowed, by_hand = 0.5 + 1e-6 if card.round_points else 1e-6, {(edit["feature"], edit["bin"]): edit["after"] for edit in card.edits_}
    rows = [(BASE, EVERYBODY, card.base_, card.scale.offset + card.scale.factor * card.intercept_)]
    for bins, weight, points in zip(entered, card.coef_, card.points_, strict=True):
        due = card.scale.factor * weight * np.array(bins.woe)
        rows += [(bins.name, *row) for row in zip(bins.labels, points, due, strict=True)]
    for name, bin_, given, worth in rows:
        if abs(given - worth) > allowed and by_hand.get((name, bin_)) != given:
            raise ModelError(f"The stored scorecard gives {given} points for {name}, its evidence {worth:.6g}. Fix: give it as to_dict wrote it.")


READERS: Mapping[int, Callable[[Any, Stored], Any]] = {1: _read_v1, 2: _read}
"""The only place that knows old cards."""
