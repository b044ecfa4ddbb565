"""Folds dealt by person: all rows of one person stay together, and each fold has its part of each class."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scoring.models.columns import ModelError


def people_of(groups: Any, n_rows: int) -> NDArray[np.intp]:
    """Return the number of the person of each row, from 0 in order of name; without `groups` each row is a person.

    Raises
    ------
    ModelError
        A row does not say whose it is.

    Examples
    --------
    >>> people_of(["b", "a", "b"], 3)
    array([1, 0, 1])
    """
    if groups is None:
        return np.arange(n_rows)
    codes, _ = pd.factorize(np.asarray(groups), sort=True)
    if (codes < 0).any():
        raise ModelError(f"{(codes < 0).sum()} rows do not say whose they are. Fix: give each row a person; a number of its own where unknown.")
    return codes


def deal_folds(people: NDArray[np.intp], outcome: NDArray[np.intp], *, folds: int, seed: int) -> NDArray[np.intp]:
    """Deal people to folds like cards; return the fold of each row.

    `people` numbers the person of each row from 0; `outcome` is 0 not known, 1 unfavourable, 2 favourable. People are sorted by the
    outcomes they have, then by number of rows, then by chance, and dealt round and round: folds differ by at most one
    person of each class, and have about as many rows.

    Raises
    ------
    ModelError
        Fewer than 2 folds, or fewer people of a class than folds: some model would learn from one class only.

    Examples
    --------
    >>> deal_folds(np.array([0, 1, 2, 3, 0]), np.array([1, 2, 1, 2, 1]), folds=2, seed=1)
    array([0, 0, 1, 1, 0])
    """
    rows, bad, good = (np.bincount(people[chosen], minlength=people.max() + 1) for chosen in (outcome >= 0, outcome == 1, outcome == 2))
    if folds < 2:
        raise ModelError(f"{folds} folds leave nobody to be scored by another's model. Fix: ask for at least 2 folds.")
    for name, count in (("favourable", (good > 0).sum()), ("unfavourable", (bad > 0).sum())):
        if count < folds:
            raise ModelError(f"{count} people have a known {name} outcome, for {folds} folds. Fix: ask for fewer folds, or bring more people.")
    stratum = np.select([(good > 0) & (bad == 0), good > 0, bad > 0], [0, 1, 2], 3)  # who has a class stands together, so it is dealt evenly
    order = np.lexsort((np.random.default_rng(seed).permutation(len(rows)), -rows, stratum))
    fold_of = np.empty(len(rows), dtype=np.intp)
    fold_of[order] = np.arange(len(rows)) % folds
    return fold_of[people]
