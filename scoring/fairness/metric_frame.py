"""fairlearn's `MetricFrame`, served from counts: the same arguments, the same shapes, intervals that hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scoring.errors import EquiscoreError
from scoring.fairness.frames.grouped import Grouped, counted, features_of, labels_of, states_of
from scoring.fairness.frames.metric_names import Asked, Served, draws_of, method_of, named, params_of, run_by, seed_of, served
from scoring.fairness.frames.served import AGGREGATES, Measured, at_quantiles, redrawn
from scoring.fairness.frames.shaped import Shown, cells, floats, laid_out, of_two

Floats = NDArray[np.float64]


class MetricFrame:
    """Metrics by group with fairlearn's interface, so that its users can swap the import.

    A name of `scoring.METRICS`, ``f1``, ``balanced_accuracy``, ``count`` and the functions of fairlearn and scikit-learn that
    counts can give (selection rate, the four rates, accuracy, zero-one loss, precision, recall, F1, balanced accuracy, count) are
    served from one count of the rows; any other function is run by fairlearn, which must then be installed.

    What differs from fairlearn 0.15, on purpose:

    - a rate of nobody (0 of 0) is nan, not 0; a difference or a ratio needs two groups that have a value, otherwise it is nan;
    - who has no sensitive feature is in the group `(unknown)`, shown and counted, and never the best or the worst group;
    - a missing `y_true` is an outcome that was not observed: rates of decisions count it, rates of outcomes do not;
    - labels other than 0 and 1, -1 and 1 or booleans need a `pos_label`, which must occur; nothing matches nothing in silence;
    - a ratio of values of which some are negative is nan.

    Parameters
    ----------
    metrics
        A name, a function `(y_true, y_pred)`, or a mapping of names to these. `functools.partial` may name `pos_label`.
    y_true, y_pred
        Outcome and decision of each row.
    sensitive_features, control_features
        Groups that are compared; strata within which they are. A list, an array, a Series, a mapping or a frame.
    sample_params
        Of one metric ``{"sample_weight": ...}``, of a mapping one such by the name of the metric.
    pos_label
        The favourable label of every metric that names none (fairlearn has no such argument).
    n_boot, ci_quantiles
        Draws, and the levels of the limits that the `_ci` members return in a list.
    random_state
        An integer, a `numpy.random.Generator` or a `RandomState`.

    Notes
    -----
    Limits at the levels q and 1 - q make an interval of confidence 1 - 2q. `overall_ci` and `by_group_ci` are percentiles of the
    counts, redrawn; where a count of hits or misses is under 5 they are score limits (Wilson 1927): 0 of 10 is 0 to .28, not 0 to 0.
    `group_min_ci`, `group_max_ci`, `difference_ci` and `ratio_ci` are **not** percentiles of the redrawn extreme: a largest less a smallest
    never reaches 0, so under equality such an interval almost never holds the truth. They are simultaneous: the signed interval of
    every pair, at a level that holds for all pairs at once (see `simultaneous`), of which the extremes are taken. The interval of a
    difference therefore contains 0 unless some pair is shown to differ. For a function that fairlearn runs, limits are fairlearn's.

    Raises
    ------
    EquiscoreError
        An unknown metric, labels whose favourable one is not said, lengths that differ, levels without draws or draws without levels.

    Examples
    --------
    >>> frame = MetricFrame(
    ...     metrics={"selected": "selection_rate", "right": "accuracy"},
    ...     y_true=[1, 1, 1, 1, 1, 0, 0, 1, 1, 0], y_pred=[0, 1, 1, 1, 1, 0, 0, 0, 1, 1], sensitive_features=["F"] * 5 + ["M"] * 5)
    >>> frame.by_group
                         selected  right
    sensitive_feature_0
    F                         0.8    0.8
    M                         0.4    0.6
    >>> frame.ratio()["selected"]
    np.float64(0.5)
    """

    def __init__(
        self,
        *,
        metrics: Asked | Mapping[str, Asked],
        y_true: ArrayLike,
        y_pred: ArrayLike,
        sensitive_features: Any,
        control_features: Any = None,
        sample_params: Mapping[str, Any] | None = None,
        pos_label: Any = None,
        n_boot: int | None = None,
        ci_quantiles: list[float] | None = None,
        random_state: Any = None,
    ) -> None:
        single = not isinstance(metrics, Mapping)
        self._asked: dict[str, Asked] = {named(metrics): metrics} if single else dict(metrics)  # type: ignore[arg-type, dict-item]
        self._params = params_of(self._asked, sample_params, single=single)
        self._served = {name: served(asked, self._params[name], pos_label) for name, asked in self._asked.items()}
        self._pred = labels_of(y_pred, "y_pred")
        self._true = labels_of(y_true, "y_true", len(self._pred))
        rows = len(self._pred)
        controls = [] if control_features is None else features_of(control_features, "control_feature_", rows)
        self._layout = laid_out(features_of(sensitive_features, "sensitive_feature_", rows), controls, list(self._asked), single=single)
        self._n_boot, self._levels = draws_of(n_boot, ci_quantiles)
        self._seed = seed_of(random_state)
        self._counts: dict[Any, Grouped] = {}
        self._drawn: dict[int, Floats] = {}
        self._measured = {name: self._count(of, self._params[name].get("sample_weight")) for name, of in self._served.items() if of is not None}

    def _count(self, of: Served, weight: ArrayLike | None) -> Measured:
        """Count once for all metrics that read the same labels by the same weights."""
        key = (of.reads, repr(of.pos_label), id(weight) if weight is not None else None)
        if key not in self._counts:
            self._counts[key] = counted(self._codes, self._layout.shape, states_of(self._true, self._pred, of), weight)
        return Measured(of.measure, self._counts[key], self._layout.known)

    @cached_property
    def _codes(self) -> NDArray[np.int64]:
        return self._layout.codes

    # what fairlearn's users know

    @property
    def control_levels(self) -> list[str] | None:
        """Names of the control features; none where there are none."""
        return [feature.name for feature in self._layout.controls] or None

    @property
    def sensitive_levels(self) -> list[str]:
        """Names of the sensitive features."""
        return [feature.name for feature in self._layout.sensitive]

    @property
    def ci_quantiles(self) -> list[float] | None:
        """The levels asked for."""
        return self._levels

    @property
    def n_boot(self) -> int | None:
        """How many draws were asked for."""
        return self._n_boot

    @property
    def overall(self) -> Shown:
        """Each metric of everybody: a number or a Series of metrics; with controls a Series or a frame, a row a control level."""
        return self._layout.overall(self._exact(self._overall))

    @property
    def by_group(self) -> Shown:
        """Each metric of each group: a Series for one metric, a frame for a mapping; nan for a combination that nobody is in."""
        return self._layout.by_group(self._exact(self._values))

    def group_min(self, errors: str = "raise") -> Shown:
        """Return the smallest value over the known groups; `errors` is ``raise`` or ``coerce`` (to nan) for what is no number."""
        return self._layout.overall(self._exact(np.fmin.reduce(self._numbers(errors), axis=1, initial=np.nan)))

    def group_max(self, errors: str = "raise") -> Shown:
        """Return the largest value over the known groups."""
        return self._layout.overall(self._exact(np.fmax.reduce(self._numbers(errors), axis=1, initial=np.nan)))

    def difference(self, method: str = "between_groups", errors: str = "coerce") -> Shown:
        """Return the largest difference between two known groups, or of one to everybody (``to_overall``); nan for fewer than two groups."""
        values = self._numbers(errors)
        against = np.fmin.reduce(values, axis=1, initial=np.nan) if method_of(method) == "between_groups" else floats(self._overall)
        return self._layout.overall(self._exact(of_two(values, np.fmax.reduce(np.abs(values - against[:, None]), axis=1, initial=np.nan))))

    def ratio(self, method: str = "between_groups", errors: str = "coerce") -> Shown:
        """Return the smallest ratio between two known groups, or of one to everybody, taken so that it is at most 1.

        Smallest over largest. nan where a value is negative, where all are 0, and for fewer than two groups.
        """
        values = self._numbers(errors)
        with np.errstate(divide="ignore", invalid="ignore"):
            if method_of(method) == "between_groups":
                found = np.fmin.reduce(values, axis=1, initial=np.nan) / np.fmax.reduce(values, axis=1, initial=np.nan)
            else:
                ratios = values / floats(self._overall)[:, None]
                found = np.fmin.reduce(np.where(ratios > 1, 1 / ratios, ratios), axis=1, initial=np.nan)
        return self._layout.overall(of_two(values, np.where((values < 0).any(axis=1), np.nan, found)))

    @property
    def overall_ci(self) -> list[Shown]:
        """Limits of `overall`, one a level."""
        return self._redrawn(lambda frame: frame.overall_ci, of_all=True)

    @property
    def by_group_ci(self) -> list[Shown]:
        """Limits of `by_group`, one a level, each group by itself."""
        return self._redrawn(lambda frame: frame.by_group_ci, of_all=False)

    def group_min_ci(self) -> list[Shown]:
        """Return limits of `group_min`: simultaneous over the groups."""
        return self._simultaneous("group_min", self.group_min("coerce"), lambda frame: frame.group_min_ci())

    def group_max_ci(self) -> list[Shown]:
        """Return limits of `group_max`: simultaneous over the groups."""
        return self._simultaneous("group_max", self.group_max("coerce"), lambda frame: frame.group_max_ci())

    def difference_ci(self, method: str = "between_groups") -> list[Shown]:
        """Return limits of `difference`: simultaneous over the pairs, 0 inside unless some pair is shown to differ."""
        return self._simultaneous(f"difference {method}", self.difference(method), lambda frame: frame.difference_ci(method))

    def ratio_ci(self, method: str = "between_groups") -> list[Shown]:
        """Return limits of `ratio`: simultaneous over the pairs, 1 inside unless some pair is shown to differ."""
        return self._simultaneous(f"ratio {method}", self.ratio(method), lambda frame: frame.ratio_ci(method))

    # the same, in arrays

    @cached_property
    def _theirs(self) -> Any:
        """Every metric that counts do not give, run by fairlearn on the same groups, which it is handed as codes."""
        others = {name: self._asked[name] for name, of in self._served.items() if of is None}
        features = [{feature.name: feature.codes for feature in held} for held in (self._layout.sensitive, self._layout.controls)]
        return run_by(others)(
            metrics=others, y_true=self._true, y_pred=self._pred, sensitive_features=features[0], control_features=features[1] or None,
            sample_params={name: dict(self._params[name]) for name in others}, n_boot=self._n_boot, ci_quantiles=self._levels,
            random_state=int(np.random.default_rng(self._seed).integers(2**32)),
        )  # fmt: skip

    @cached_property
    def _values(self) -> NDArray[Any]:
        return self._stacked({name: held.values() for name, held in self._measured.items()}, lambda: self._theirs.by_group, self._layout.shape)

    @cached_property
    def _overall(self) -> NDArray[Any]:
        return self._stacked({name: held.overall() for name, held in self._measured.items()}, lambda: self._theirs.overall, self._layout.shape[:1])

    def _stacked(self, ours: Mapping[str, NDArray[Any]], theirs: Any, shape: tuple[int, ...]) -> NDArray[Any]:
        """Put the columns of both in the order asked for: an array (*shape, metrics)."""
        columns = dict(ours)
        if others := [name for name in self._asked if name not in ours]:
            found = theirs()
            columns |= {name: cells(found[name], shape) for name in others}
        return np.stack([columns[name] for name in self._asked], axis=-1)

    def _exact(self, values: NDArray[Any]) -> NDArray[Any]:
        """Show people as whole numbers where nothing else is shown, as fairlearn does."""
        people = all(of is not None and of.measure is None for of in self._served.values())
        return values.astype(np.int64) if people and not np.isnan(values).any() else values

    def _numbers(self, errors: str) -> Floats:
        """Return the values of the known groups as numbers."""
        if errors not in {"raise", "coerce"}:
            raise EquiscoreError(f"errors: {errors!r}. Fix: use raise or coerce.")
        values = self._values[:, self._layout.known]
        if errors == "raise" and values.dtype == object and not all(np.isscalar(value) for value in values.ravel()):
            raise EquiscoreError("Some metrics are no numbers, so they have no order. Fix: leave them out, or say errors='coerce'.")
        return floats(values)

    def _redrawn(self, theirs: Callable[[Any], list[Any]], *, of_all: bool) -> list[Shown]:
        levels, replicates = self._asked_levels()
        shape, shown = (self._layout.shape[:1], self._layout.overall) if of_all else (self._layout.shape, self._layout.by_group)
        ours = {name: at_quantiles(held, levels, self._draws(held.groups, replicates), of_all=of_all) for name, held in self._measured.items()}
        return [
            shown(self._stacked({name: limits[i].reshape(shape) for name, limits in ours.items()}, lambda i=i: theirs(self._theirs)[i], shape))
            for i in range(len(levels))
        ]

    def _draws(self, groups: Grouped, replicates: int) -> Floats:
        """Draw the counts again, once for all metrics that read them and all members that are asked."""
        if id(groups) not in self._drawn:
            self._drawn[id(groups)] = redrawn(groups, replicates, np.random.default_rng(self._seed))
        return self._drawn[id(groups)]

    def _simultaneous(self, what: str, point: Shown, theirs: Callable[[Any], list[Any]]) -> list[Shown]:
        """Take limits of an extreme over the groups; at the level .5 the estimate itself."""
        levels, _ = self._asked_levels()
        shape = self._layout.shape[:1]
        middle = dict(zip(self._asked, cells(point, (*shape, len(self._asked))).T, strict=True))

        def ours(level: float) -> dict[str, NDArray[Any]]:
            if level == 0.5:
                return {name: middle[name] for name in self._measured}
            return {name: AGGREGATES[what](held, abs(1 - 2 * level))[level > 0.5] for name, held in self._measured.items()}

        return [self._layout.overall(self._stacked(ours(level), lambda i=i: theirs(self._theirs)[i], shape)) for i, level in enumerate(levels)]

    def _asked_levels(self) -> tuple[list[float], int]:
        if self._levels is None or self._n_boot is None:
            raise EquiscoreError("No limits were asked for. Fix: give n_boot and ci_quantiles, such as n_boot=2000, ci_quantiles=[0.025, 0.975].")
        return self._levels, self._n_boot
