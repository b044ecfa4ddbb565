"""What a score foretells: its family, over which period, and which way is good for the person. Nothing of this is guessed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scoring.errors import nearest
from scoring.models.columns import ModelError, as_table
from scoring.models.engines import make_engine
from scoring.models.training import CrossFit, cross_fit

FAMILIES: Final[Mapping[str, str]] = {
    "propensity": "the act (a purchase, a reply) comes within the horizon",
    "churn": "no act comes within the horizon",
    "risk": "the loss (a default, a claim) comes within the horizon",
    "value": "the amount within the horizon is `at_least` so much",
}
"""What the event of each family is."""
SIDES: Final = ("event", "no_event")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreSpec:
    """What a score foretells of a person: whether an event comes within a period after a snapshot.

    Parameters
    ----------
    family : str
        ``propensity``, ``churn``, ``risk`` or ``value``: `FAMILIES` says what the event of each is.
    target : str
        The column that tells: the date of the first act (or loss) after the snapshot, empty where none came; of ``value`` the amount within
        the horizon. The date of a person's *last* act tells nothing of the period: who bought early and late is not told from who bought late.
    horizon : int
        Days after the snapshot, at least 1.
    favourable : str
        ``event`` or ``no_event``: which of them is good for the person who is scored. A churn score that brings an offer to those about to
        leave favours the event; one that cuts their credit favours the other.
    at_least : float, optional
        Of ``value``: from which amount on the event has come.

    Raises
    ------
    ModelError
        What is not of these kinds.

    Examples
    --------
    >>> spec = ScoreSpec(family="churn", target="next_purchase", horizon=90, favourable="no_event")
    >>> people = pd.DataFrame({"next_purchase": pd.to_datetime(["2025-02-01", "2025-08-01", None])})
    >>> spec.observe(people, snapshot=date(2025, 1, 1), as_of=date(2025, 12, 31)).tolist()
    [1.0, 0.0, 0.0]
    >>> spec.observe(people, snapshot=date(2025, 1, 1), as_of=date(2025, 12, 31)).name
    'next_purchase'
    """

    family: str
    target: str
    horizon: int
    favourable: str
    at_least: float | None = None

    def __post_init__(self) -> None:
        for what, said, known in (("family", self.family, tuple(FAMILIES)), ("favourable", self.favourable, SIDES)):
            if said not in known:
                near = nearest(str(said), known)
                raise ModelError(f"{what}: {said!r} is not known. Fix: " + (f"did you mean {near!r}?" if near else f"use one of {', '.join(known)}."))
        if isinstance(self.horizon, bool) or not isinstance(self.horizon, int) or self.horizon < 1:
            raise ModelError(f"horizon: {self.horizon!r} is no number of days. Fix: give a whole number of 1 or more.")
        if (self.at_least is None) == (self.family == "value"):
            raise ModelError(f"at_least: {self.at_least!r} with the family {self.family}. Fix: give an amount for value, and for no other family.")

    def observe(self, frame: Any, *, snapshot: date | str, as_of: date) -> pd.Series[Any]:
        """Return 1 where the outcome was favourable, 0 where not, missing where it was not observed.

        It was observed where the whole horizon has passed by `as_of`, the last day that the data know of. An event that came early in a
        period still running counts for nobody: else the last months would hold events only of the quick.

        Parameters
        ----------
        frame
            People, a row each.
        snapshot
            The day from which the horizon runs, or the name of a column of such days.
        as_of
            The last day that the data know of.

        Raises
        ------
        ModelError
            No such column; an event on or before the snapshot, or after `as_of`; an amount that is none.
        """
        table = as_table(frame)
        if self.target not in table.columns:
            raise ModelError(f"{self.target!r} is not a column. Fix: did you mean {nearest(self.target, map(str, table.columns))!r}?")
        begins = self._begins(table, snapshot)
        ends = begins + np.timedelta64(self.horizon, "D")
        passed = ends <= np.datetime64(as_of)
        if self.family == "value":
            amounts = pd.to_numeric(table[self.target], errors="raise").to_numpy(np.float64, na_value=np.nan)
            came, passed = amounts >= float(self.at_least or 0.0), passed & ~np.isnan(amounts)
        else:
            came = self._came(_days(table[self.target]), begins, ends, np.datetime64(as_of))
        good = came == (self.favourable == "event")
        return pd.Series(good, index=table.index, name=self.target).astype("Float64").where(passed)

    def train(
        self, frame: Any, *, features: Sequence[str], snapshot: date | str, as_of: date, seed: int, engine: Any = "scorecard", **beside: Any
    ) -> CrossFit:
        """Cross-fit an engine (by name, or an estimator of your own) on what was observed; `beside` goes to `cross_fit`.

        Raises
        ------
        ModelError
            The target among the features; what `observe` and `cross_fit` refuse.
        """
        if self.target in features:
            raise ModelError(f"{self.target!r} is what is to be foretold. Fix: take it out of the features.")
        table = as_table(frame)
        made = self.engine(engine) if isinstance(engine, str) else engine
        told = self.observe(table, snapshot=snapshot, as_of=as_of)
        return cross_fit(made, table[list(features)], told.astype(float), seed=seed, favourable=1.0, **beside)

    def engine(self, name: str, *, calibration: str = "none", **parameters: Any) -> Any:
        """Make an engine whose favourable class is the 1 of `observe`."""
        return make_engine(name, calibration=calibration, favourable=1.0, **parameters)

    def _begins(self, table: pd.DataFrame, snapshot: date | str) -> NDArray[np.datetime64]:
        if not isinstance(snapshot, str):
            return np.full(len(table), np.datetime64(snapshot), dtype="datetime64[D]")
        if snapshot not in table.columns:
            raise ModelError(f"snapshot: {snapshot!r} is not a column. Fix: name a column of days, or give a date.")
        return _days(table[snapshot])

    def _came(
        self, days: NDArray[np.datetime64], begins: NDArray[np.datetime64], ends: NDArray[np.datetime64], as_of: np.datetime64
    ) -> NDArray[np.bool_]:
        if early := int((days <= begins).sum()):
            raise ModelError(f"{self.target}: {early} dates are on or before the snapshot. Fix: give the first act after it, not the last one known.")
        if late := int((days > as_of).sum()):
            raise ModelError(f"{self.target}: {late} dates are after {as_of}, the last day known. Fix: correct as_of, or those dates.")
        within = days <= ends
        return ~within if self.family == "churn" else within


def _days(column: pd.Series[Any]) -> NDArray[np.datetime64]:
    try:
        read = pd.to_datetime(column, format="ISO8601")  # 03/04/2025 is two days
    except (ValueError, TypeError) as fault:
        raise ModelError(f"Column {column.name!r} holds no dates ({fault}). Fix: write them as 2025-01-31.") from fault
    return read.dt.tz_localize(None).to_numpy().astype("datetime64[D]")  # by day: the hour of a file says little
