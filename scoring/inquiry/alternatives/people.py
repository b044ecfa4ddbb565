"""The people of a search: what is known of each, by position, and how it is dealt into parts."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scoring.errors import EquiscoreError
from scoring.inquiry.membership import Membership, memberships, read_weights
from scoring.models.columns import as_table
from scoring.models.training import deal_folds
from scoring.vocabulary import WeightMeaning

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Places = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class People:
    """Everybody in a part of the search; arrays have one entry a person (or row), in one order."""

    features: pd.DataFrame
    target: Floats
    """What candidates learn: 1 favourable, 0 not, nan not known."""
    outcome: Floats
    """What they are measured against, in the same way; mostly the target itself."""
    groups: tuple[Membership, ...]
    """Protected attributes. No candidate finds them among its features."""
    weight: Floats | None = None
    meaning: WeightMeaning = WeightMeaning.WEIGHT
    persons: Places | None = None
    """The number of the person (or household) of each row; none where each row is a person."""
    amounts: Floats | None = None
    costs: Floats | None = None
    """What a wrong acceptance and a wrong refusal of each person cost: two columns; none where costs are the same for all."""
    current: Floats | None = None
    """The score that is in use, more being better for the person; nan where there is none."""

    def __len__(self) -> int:
        return len(self.target)

    def rows(self, chosen: Bools) -> People:
        """Return the people chosen."""

        def some(values: Any) -> Any:
            return None if values is None else values[chosen]

        groups = tuple(Membership(held.attribute, held.levels, held.codes[chosen]) for held in self.groups)
        arrays = {name: some(getattr(self, name)) for name in ("target", "outcome", "weight", "persons", "amounts", "costs", "current")}
        return People(self.features[chosen].reset_index(drop=True), groups=groups, meaning=self.meaning, **arrays)

    @property
    def person(self) -> Places:
        """The person of each row."""
        return np.arange(len(self)) if self.persons is None else self.persons

    @property
    def independent(self) -> bool:
        """Whether no two rows are of one person."""
        return self.persons is None or len(np.unique(self.persons)) == len(self.persons)

    def dealt(self, folds: int, seed: int) -> Places:
        """Deal rows to folds as `cross_fit` does: by person, and by what there is to learn."""
        known = ~np.isnan(self.target)
        return deal_folds(
            np.unique(self.person, return_inverse=True)[1].astype(np.intp), known.astype(np.intp) + (self.target == 1), folds=folds, seed=seed
        )

    def digest(self) -> str:
        """Return the SHA-256 of all of it, in the order of the rows."""
        taken = hashlib.sha256()
        for name in self.features.columns:
            column = self.features[name]
            taken.update(f"{name}:".encode())
            taken.update(
                pd.util.hash_pandas_object(column.astype(object) if column.dtype.kind not in "iufb" else column, index=False).to_numpy().tobytes()
            )
        for field in fields(self)[1:]:
            value = getattr(self, field.name)
            taken.update(f"{field.name}:".encode())
            taken.update(_bytes(value))
        return taken.hexdigest()


def _bytes(value: Any) -> bytes:
    if isinstance(value, np.ndarray):
        return value.tobytes()
    if isinstance(value, tuple):
        return b"".join(f"{held.attribute}{held.levels}".encode() + held.codes.tobytes() for held in value)
    return str(value).encode()


def read_people(
    X: Any,
    y: Any,
    groups: pd.DataFrame,
    *,
    outcome: Any = None,
    current: Any = None,
    persons: Any = None,
    sample_weight: Any = None,
    meaning: WeightMeaning = WeightMeaning.WEIGHT,
    amounts: Any = None,
    costs: tuple[Any, Any] | None = None,
) -> People:
    """Read what was given into `People`, all by position.

    Raises
    ------
    EquiscoreError
        Not one entry a person, a protected attribute among the features, an outcome that is not 1, 0 or missing.
    """
    table = as_table(X)
    if not isinstance(table, pd.DataFrame):
        table = pd.DataFrame(np.asarray(table)).rename(columns="x{}".format)
    features = table.reset_index(drop=True).rename(columns=str)
    if shared := [str(name) for name in groups.columns if str(name) in features.columns]:
        raise EquiscoreError(f"X: {', '.join(shared)} is protected and among the features. Fix: leave it out of X; groups alone hold it.")
    n = len(features)
    target = _outcomes(y, n, "y")
    return People(
        features,
        target,
        target if outcome is None else _outcomes(outcome, n, "outcome"),
        tuple(memberships(groups.reset_index(drop=True), n)),
        None if sample_weight is None else read_weights(sample_weight, n),
        meaning,
        None if persons is None else _persons(persons, n),
        None if amounts is None else _numbers(amounts, n, "amounts"),
        None if costs is None else np.column_stack([_numbers(np.broadcast_to(np.asarray(side), n), n, "costs") for side in costs]),
        None if current is None else _numbers(current, n, "current"),
    )


def _numbers(values: Any, n: int, name: str) -> Floats:
    read = pd.to_numeric(pd.Series(values).reset_index(drop=True)).to_numpy(np.float64, na_value=np.nan)
    if len(read) != n or np.isinf(read).any():
        raise EquiscoreError(
            f"{name}: {len(read)} entries for {n} people, or an infinite one. Fix: give a number a person, in the order of the rows."
        )
    return read


def _outcomes(values: Any, n: int, name: str) -> Floats:
    read = _numbers(pd.Series(values).reset_index(drop=True).astype("Float64"), n, name)
    if not np.isin(read[~np.isnan(read)], (0, 1)).all():
        raise EquiscoreError(f"{name}: some are neither 1 nor 0. Fix: give 1 where it turned out favourable, 0 where not, nothing where not known.")
    return read


def _persons(persons: Any, n: int) -> Places:
    codes = pd.factorize(np.asarray(persons), sort=True)[0].astype(np.intp)
    if len(codes) != n or (codes < 0).any():
        raise EquiscoreError(f"persons: {len(codes)} for {n} rows, or some missing. Fix: say of each row whose it is.")
    return codes


def set_aside(people: People, share: float, seed: int) -> Bools:
    """Return whose rows are set aside before a search: whole persons, each class in its part, drawn by `seed`.

    The share is met to a tenth or, where each class has 20 people, to a twentieth.

    Raises
    ------
    EquiscoreError
        A share outside [0, .5].
    """
    if not 0 <= share <= 0.5:
        raise EquiscoreError(f"holdout: {share} is not a share to set aside. Fix: give 0 (none) to 0.5; 0.3 is the default.")
    if share == 0:
        return np.zeros(len(people), dtype=bool)
    person = people.person
    least = min(len(np.unique(person[people.target == value])) for value in (0, 1))
    parts = 20 if least >= 20 else 10
    # a seed of its own: the folds of the search must not repeat the pattern of this deal
    return np.asarray(people.dealt(parts, seed + 7919) < max(round(share * parts), 1))
