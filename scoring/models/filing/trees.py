"""The arrays of boosted trees, looked at before they are followed: a forged index would read foreign memory or never come to a leaf."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.ensemble._hist_gradient_boosting.common import PREDICTOR_RECORD_DTYPE

WORDS = 8
"""Of 32 bits: what scikit-learn keeps of the at most 256 categories of a split."""
BOOSTINGS = (HistGradientBoostingClassifier, HistGradientBoostingRegressor)


def fault_of_trees(held: Any) -> str | None:
    """Return what is wrong with the trees of any boosting inside an object; nothing where all may be followed.

    Parameters
    ----------
    held
        A fitted estimator that was read from a file.

    Returns
    -------
    str or None
        Which tree, and what it points to.
    """
    return next((fault for model in _boostings(held) for fault in _faults(model)), None)


def _boostings(held: Any) -> Iterator[Any]:
    """Find every boosting that can be reached from an object."""
    waiting, seen = [held], set[int]()
    while waiting:
        here = waiting.pop()
        if id(here) in seen or isinstance(here, str | bytes | int | float | np.generic):
            continue
        seen.add(id(here))
        if isinstance(here, BOOSTINGS):
            yield here
        if isinstance(here, dict):
            waiting.extend(here.values())
        elif isinstance(here, list | tuple | set) or (isinstance(here, np.ndarray) and here.dtype == object):
            waiting.extend(here)
        else:
            waiting.extend(getattr(here, "__dict__", {}).values())


def _faults(model: Any) -> Iterator[str]:
    n_features = int(model.n_features_in_)
    bins = model._bin_mapper  # noqa: SLF001  (what is checked here is nowhere public)
    told, known = np.asarray(bins.is_categorical_), bins.bin_thresholds_
    categorical = told != 0
    if hasattr(model, "_in_fit") or told.shape != (n_features,) or told.dtype.kind not in "bu" or len(known) != n_features:
        yield "its bins are not those of its features"
        return
    if any(not np.isin(known[j], np.arange(256)).all() for j in np.flatnonzero(categorical)):
        yield "it knows categories beyond 255"
    nobody = np.full((1, n_features), np.nan)
    if model._preprocess_X(nobody, reset=False).shape != nobody.shape:  # noqa: SLF001
        yield "its trees would be given another number of features"
    for round_, trees in enumerate(model._predictors):  # noqa: SLF001
        for tree in trees:
            if fault := _fault(tree, categorical):
                yield f"tree {round_} {fault}"


def _fault(tree: Any, categorical: NDArray[np.bool_]) -> str | None:
    """Return what the nodes of one tree point to that is not there. Children stand after their parent, so every way has an end."""
    nodes, bitsets = tree.nodes, (tree.raw_left_cat_bitsets, tree.binned_left_cat_bitsets)
    if nodes.dtype != PREDICTOR_RECORD_DTYPE or nodes.ndim != 1 or not len(nodes):
        return "has no nodes"
    if any(held.dtype != np.uint32 or held.ndim != 2 or held.shape[1] != WORDS for held in bitsets):
        return "has bitsets of another form"
    places = np.flatnonzero(nodes["is_leaf"] == 0)
    splits = nodes[places]
    for child in (splits["left"].astype(np.int64), splits["right"].astype(np.int64)):
        if (child <= places).any() or (child >= len(nodes)).any():
            return "leads to a node that is not below"
    if (splits["feature_idx"] < 0).any() or (splits["feature_idx"] >= len(categorical)).any():
        return "asks for a feature that is not there"
    named = splits[splits["is_categorical"] != 0]
    if (named["bitset_idx"] >= min(map(len, bitsets))).any() or not categorical[named["feature_idx"]].all():
        return "asks for categories that are not there"
    return None
