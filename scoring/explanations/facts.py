"""What is known of one person's score: parts, reasons, the nearest change. Found out once, then only put into words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from scoring.errors import ContractError, EquiscoreError
from scoring.models.binning import FeatureBins
from scoring.models.card.grouping import OTHERS
from scoring.models.columns import MISSING, Kind, as_table, kind_of, level_name
from scoring.models.explaining.contributions import Contributions, by_points, contributions, uncalibrated
from scoring.models.explaining.curves import typical_person
from scoring.models.explaining.nearest_change import NearestChange, nearest_change
from scoring.models.explaining.options import Place, bins_of, is_whole, place_in
from scoring.models.explaining.reasons import ReasonCodes, reason_codes
from scoring.models.explaining.traits import Traits
from scoring.models.training import favourable_scores

TABLE: Final = ["feature", "value", "place", "part", "baseline", "difference", "rank", "unit", "protected", "changeable"]
START, TOTAL = "(base)", "(total)"


@dataclass(frozen=True, slots=True)
class Held:
    """One piece of data: what was held, what it was counted as, and whether it was not known or never met."""

    name: str
    value: Any
    place: Place | None
    whole: bool
    missing: bool
    unseen: bool


@dataclass(frozen=True, slots=True, eq=False)
class Facts:
    """All that a sheet says, before words."""

    score: float
    cutoff: float | None
    scale: str
    """Of score and cut-off: points or probability."""
    found: Contributions
    """Of this one person."""
    reasons: ReasonCodes
    nearest: NearestChange | None
    held: tuple[Held, ...]
    """The features that count, in the order of the model."""
    unused: tuple[str, ...]
    traits: Traits

    @property
    def favoured(self) -> bool | None:
        """Whether the score reaches the cut-off; None where there is none."""
        return None if self.cutoff is None else self.score >= self.cutoff

    def table(self) -> pd.DataFrame:
        """Return a row a feature, between the start and the total: see `TABLE`; the parts add up to the total."""
        codes = self.reasons
        own = {
            "feature": codes.names, "value": [one.value for one in self.held], "place": [one.place.label if one.place else None for one in self.held],
            "part": codes.parts[0], "baseline": codes.baseline, "difference": codes.difference[0], "rank": codes.rank[0].astype("int64"),
            "protected": codes.marks["protected"].array, "changeable": codes.marks["changeable"].array,
        }  # fmt: skip
        ends = [{"feature": START, "part": self.found.base}, {"feature": TOTAL, "part": float(self.found.total[0])}]
        rows = [ends[0], *pd.DataFrame(own).astype(object).to_dict("records"), ends[1]]
        table = pd.DataFrame(rows, columns=TABLE).assign(unit=self.found.scale)
        numbers = {
            "part": "float64",
            "baseline": "float64",
            "difference": "float64",
            "rank": "Int64",
            "protected": "boolean",
            "changeable": "boolean",
        }
        return table.astype(numbers)


def one_person(row: Any) -> pd.DataFrame:
    """Return one person as a frame of one row; a blank text is a missing value.

    >>> one_person({"age": 30, "home": " "}).isna().to_dict("records")
    [{'age': False, 'home': True}]
    """
    table = as_table(row)
    frame = pd.DataFrame([table.to_dict()] if isinstance(table, pd.Series) else [dict(table)]) if isinstance(table, pd.Series | Mapping) else table
    if not isinstance(frame, pd.DataFrame) or len(frame) != 1:
        raise EquiscoreError("A sheet speaks of one person. Fix: give a frame of one row, a Series, or a mapping from column to value.")
    frame = frame.reset_index(drop=True)
    blank = [name for name in frame if isinstance(frame[name].iloc[0], str) and not frame[name].iloc[0].strip()]
    return frame.assign(**{str(name): None for name in blank})


def find_out(
    estimator: Any,
    person: pd.DataFrame,
    *,
    cutoff: float | None,
    background: pd.DataFrame | None,
    traits: Traits,
    baseline: str | Mapping[str, float],
    most: int,
    favourable: Any,
) -> Facts:
    """Explain one person's score, rank its reasons, and look for the nearest change."""
    columns = list(getattr(estimator, "feature_names_in_", person.columns))
    if missing := [name for name in columns if name not in person]:
        raise ContractError.missing_column(missing[0], table="the person", has=list(map(str, person.columns)))
    person, background = person[columns], None if background is None else as_table(background)[columns]
    model = uncalibrated(estimator)
    found, population = _explained(estimator, model, person, background, favourable)
    traits.checked(columns)
    card = model if by_points(estimator) else None
    reasons = reason_codes(found, baseline=baseline, population=population, card=card, most=most, traits=traits)
    nearest = None
    if cutoff is not None:
        nearest = nearest_change(estimator, person, cutoff=cutoff, traits=traits, background=background, favourable=favourable)
    score = float(favourable_scores(estimator, person, favourable=favourable)[0])
    scale = "points" if by_points(estimator) else "probability"
    bins = bins_of(model) if hasattr(model, "points_by_feature") else {}
    held = tuple(_held(name, person, background, bins.get(name)) for name in found.names)
    return Facts(score, cutoff, scale, found, reasons, nearest, held, tuple(name for name in columns if name not in found.names), traits)


def _explained(
    estimator: Any, model: Any, person: pd.DataFrame, background: pd.DataFrame | None, favourable: Any
) -> tuple[Contributions, Contributions | None]:
    """Return the parts of the person, and those of the people they are held against, from the same start."""
    if background is None:
        if not by_points(estimator):
            raise EquiscoreError(f"{type(model).__name__} keeps no people to compare with. Fix: give background=, a table of other people.")
        return contributions(estimator, person, favourable=favourable), None
    start = typical_person(background)
    own, others = (contributions(estimator, rows, favourable=favourable, reference=start) for rows in (person, background))
    return own, others


def _held(name: str, person: pd.DataFrame, background: pd.DataFrame | None, bins: FeatureBins | None) -> Held:
    column = person[name]
    others = None if background is None else background[name]
    value, missing = column.iloc[0], bool(column.isna().iloc[0])
    whole = not missing and is_whole(column, others)
    if bins is not None:
        _, place = place_in(bins, column)
        unseen = not missing and bins.kind == Kind.LEVELS and place.label != MISSING and place.level in (None, OTHERS)
        return Held(name, value, place, whole, missing or place.label == MISSING, unseen)
    levels = others is not None and kind_of(others) is Kind.LEVELS and not missing
    unseen = levels and others is not None and level_name(value) not in {level_name(one) for one in others.dropna().unique()}
    return Held(name, value, None, whole, missing, unseen)
