"""Segments of a study: learned from the columns they need, given to everybody by an expression of the counting pass.

No more is read than what is learned from; the segment of a person is one more column that the engine works out. `scoring.models` gives the same
segments of a frame, and a test holds the two against each other. Who has no score, no points or no recency has no segment.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, NamedTuple

import narwhals as nw
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scoring.errors import ContractError
from scoring.fairness.one_pass import SCORE_COLUMN, SEGMENT_COLUMN
from scoring.plan import KMeans, Mixture, Plan, Segments
from scoring.tables import Table, collect

MOST_COMPARED = 5_000
"""So many customers tell how stable segments are: more take longer and say the same."""


class Learned(NamedTuple):
    """Columns that are learned from, under their own names, and what each row weighs: nothing where it is broken."""

    frame: pd.DataFrame
    weights: NDArray[np.float64]


Read = Callable[[Sequence[str]], Learned]


def make_segments(table: Table, plan: Plan, read: Read) -> tuple[Table, dict[str, Any]]:
    """Return the table with the segment of each row, and the facts for the reviewer: cuts, centres, stability, rules.

    Raises
    ------
    ContractError or EquiscoreError
        Nothing to cut, nobody to learn from, a tier held so far that is not declared.
    """
    rule = plan.segments
    if rule is None or rule.column is not None:
        return table, {"from": rule.column if rule else None}
    way = next(way for way in _WAYS if getattr(rule, way) is not None)
    return _WAYS[way](table, plan, rule, read)


def _with(table: Table, segment: nw.Expr, working: Mapping[str, nw.Expr] | None = None) -> Table:
    """Add a segment; `working` columns are there for its expression alone."""
    own = f"c{len(table.own)}"
    with_working = table.frame.with_columns(**working) if working else table.frame
    frame = with_working.with_columns(segment.alias(own)).drop(*(working or {}))
    return Table(frame, {**table.own, SEGMENT_COLUMN: own}, table.described, table.fingerprint)


def _number(table: Table, name: str) -> nw.Expr:
    return nw.col(table.own[name]).cast(nw.Float64)


def _stepped(value: nw.Expr, edges: Sequence[float], names: Sequence[str]) -> nw.Expr:
    """Name the left-closed interval of a value; none where there is no value."""
    named = nw.lit(names[0])
    for edge, name in zip(edges, names[1:], strict=True):
        named = nw.when(value >= edge).then(nw.lit(name)).otherwise(named)
    return nw.when(value.is_finite()).then(named)


# -- bands of the score ------------------------------------------------------------------------------------------------------------


def _banded(table: Table, plan: Plan, rule: Segments, read: Read) -> tuple[Table, dict[str, Any]]:
    from scoring.models.segments import ScoreBands

    bands = rule.bands
    if bands is None or plan.score is None:
        raise ContractError("There is no score to cut into bands. Fix: declare study.score.")
    score, edges = plan.score.column or SCORE_COLUMN, bands.edges
    facts = {"from": "bands", **bands.model_dump(mode="json", exclude={"quantiles"})}
    if bands.quantiles is not None:
        learned = read([score])
        known = np.isfinite(learned.frame[score].to_numpy()) & (learned.weights > 0)
        if not known.any():
            raise ContractError(f"{table.described}: nobody has a score. Fix: check the column of the score.")
        labels = bands.names  # so many bands, or a refusal: a name must not be left to nobody
        made = ScoreBands(n_bands=bands.quantiles, labels=labels).fit(learned.frame[[score]].to_numpy()[known], sample_weight=learned.weights[known])
        edges = tuple(made.edges_[0].tolist())
        facts |= {"quantiles": bands.quantiles, "edges": list(edges)}
    return _with(table, _stepped(_number(table, score), edges, bands.names)), facts


# -- clusters ----------------------------------------------------------------------------------------------------------------------


def _clustered(table: Table, plan: Plan, rule: Segments, read: Read) -> tuple[Table, dict[str, Any]]:  # noqa: ARG001  (as the other ways)
    from scoring.models.segmenting.mixtures import GaussianMixtureSegments
    from scoring.models.segments import KMeansSegments

    asked: KMeans | None = rule.kmeans or rule.mixture
    if asked is None:
        raise ContractError("No segments are declared. Fix: declare study.segments.")
    learned, chosen = read(asked.features), list(asked.features)
    estimator: Any = KMeansSegments(asked.segments, asked.seed, features=chosen)
    if isinstance(asked, Mixture):
        estimator = GaussianMixtureSegments(asked.segments, asked.seed, features=chosen, covariance=asked.covariance)
    made = estimator.fit(learned.frame, sample_weight=learned.weights)
    facts = {
        "from": "mixture" if isinstance(asked, Mixture) else "k-means",
        "segments": asked.segments,
        "features": chosen,
        "seed": asked.seed,
        "centres": made.centres().to_dict("records"),
        "replaced": {name: int(n) for name, n in zip(made.features_, made.replaced_, strict=True)},
        **({"shares": made.shares_.tolist(), "bic": made.bic_, "covariance": made.covariance} if isinstance(asked, Mixture) else {}),
        **({"stability": _stability(estimator, learned, asked)} if asked.replicates else {}),
    }
    costs = _distances(table, made) if isinstance(asked, KMeans) and not isinstance(asked, Mixture) else _surprises(table, made)
    working = {f"(cost {k})": cost for k, cost in enumerate(costs)}
    nearest = nw.lit(str(len(costs) - 1))
    for k in reversed(range(len(costs) - 1)):
        nearest = nw.when(nw.col(f"(cost {k})") == nw.min_horizontal(*working)).then(nw.lit(str(k))).otherwise(nearest)
    return _with(table, nearest, working), facts


def _stability(estimator: Any, learned: Learned, asked: KMeans) -> dict[str, Any]:
    """Return the bootstrap stability of segments, of a part of the customers where they are many; rows count alike."""
    from scoring.models.segmenting.segment_stability import segment_stability

    rows = np.flatnonzero(learned.weights > 0)
    if len(rows) > MOST_COMPARED:
        rows = np.sort(np.random.default_rng(asked.seed).choice(rows, MOST_COMPARED, replace=False))
    found = segment_stability(estimator, learned.frame.iloc[rows], replicates=asked.replicates, seed=asked.seed)
    return {**asdict(found), "replicates": list(found.replicates), "index": "adjusted Rand"}


def _placed(table: Table, made: Any) -> list[nw.Expr]:
    """Return the features as the estimator sees them: the median where there is none, standardised."""
    told = zip(made.features_, made.medians_.tolist(), made.means_.tolist(), made.scales_.tolist(), strict=True)
    filled = [(nw.when(_number(table, name).is_finite()).then(_number(table, name)).otherwise(nw.lit(median)), *rest) for name, median, *rest in told]
    return [(value - mean) / scale for value, mean, scale in filled]


def _distances(table: Table, made: Any) -> list[nw.Expr]:
    """Return the squared distance to each centre."""
    placed = _placed(table, made)
    return [_total([(value - at) * (value - at) for value, at in zip(placed, centre, strict=True)]) for centre in made.cluster_centers_.tolist()]


def _surprises(table: Table, made: Any) -> list[nw.Expr]:
    """Return minus the log density of each component, but for what all share."""
    placed, mixture = _placed(table, made), made.mixture_
    found = []
    for share, mean, root in zip(mixture.weights_, mixture.means_, _roots(mixture), strict=True):
        away = [value - at for value, at in zip(placed, mean.tolist(), strict=True)]
        parts = [_total([value * factor for value, factor in zip(away, column, strict=True)]) for column in root.T.tolist()]
        found.append(_total([part * part * 0.5 for part in parts]) - float(np.log(share) + np.log(np.diag(root)).sum()))
    return found


def _roots(mixture: Any) -> NDArray[np.float64]:
    """Return the roots of the precisions as one matrix a component, whatever the covariance type."""
    roots, (k, d) = mixture.precisions_cholesky_, mixture.means_.shape
    if mixture.covariance_type == "spherical":
        return np.asarray(roots[:, None, None] * np.eye(d))
    return np.asarray(roots[:, :, None] * np.eye(d)) if mixture.covariance_type == "diag" else np.broadcast_to(roots, (k, d, d))


def _total(terms: Sequence[nw.Expr]) -> nw.Expr:
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total


# -- recency, frequency, monetary value --------------------------------------------------------------------------------------------


def _ranked(table: Table, plan: Plan, rule: Segments, read: Read) -> tuple[Table, dict[str, Any]]:  # noqa: ARG001  (as the other ways)
    from scoring.models.segmenting.rfm import RFMSegmenter

    asked = rule.rfm
    if asked is None:
        raise ContractError("No segments are declared. Fix: declare study.segments.")
    learned, columns = read(list(asked.columns.values())), asked.columns
    cuts = {str(part): list(edges) for part, edges in asked.cuts.items()}
    told: dict[str, Any] = asked.model_dump(include={"recency", "frequency", "monetary", "bins", "rules", "match", "rest"})
    made = RFMSegmenter(cuts=cuts, **told)
    made.fit(learned.frame, sample_weight=learned.weights)
    found = {part: edges.tolist() for part, edges in made.cuts_.items()}
    facts = {
        "from": "rfm",
        "columns": columns,
        "bins": list(made.bins_),
        "cuts": found,
        "stated": sorted(cuts),
        **asked.model_dump(mode="json", include={"rules", "match", "rest"}),
    }
    code = _total([_score(table, columns, part, edges) * int(np.prod(made.bins_[at + 1 :])) for at, (part, edges) in enumerate(found.items())])
    segments = asked.table
    named = nw.lit(None, dtype=nw.String())
    for name in segments.names:
        named = nw.when(nw.col("(code)").is_in(segments.codes(name))).then(nw.lit(name)).otherwise(named)
    return _with(table, named, {"(code)": code}), facts


def _score(table: Table, columns: Mapping[str, str], part: str, edges: Sequence[float]) -> nw.Expr:
    """Return a score from 0; none where there is no value."""
    value = _number(table, columns[part])
    passed = _total([nw.lit(0), *((value < edge if part == "recency" else value >= edge).cast(nw.Int64()) for edge in edges)])
    return nw.when(value.is_finite()).then(passed)


# -- tiers -------------------------------------------------------------------------------------------------------------------------


def _tiered(table: Table, plan: Plan, rule: Segments, read: Read) -> tuple[Table, dict[str, Any]]:  # noqa: ARG001  (as the other ways)
    asked = rule.tiers
    if asked is None:
        raise ContractError("No segments are declared. Fix: declare study.segments.")
    points, facts = _number(table, asked.column), {"from": "tiers", **asked.model_dump(mode="json")}
    if asked.previous is None:
        return _with(table, _stepped(points, list(asked.thresholds.values()), asked.names)), facts
    held = nw.col(table.own[asked.previous]).str.strip_chars()
    _check_held(table, held, asked.names, asked.previous)
    tier = nw.lit(asked.names[0])
    for number, (name, earned) in enumerate(asked.thresholds.items(), start=1):
        kept = (points >= asked.keep.get(name, earned)) & held.fill_null("").is_in(asked.names[number:])
        tier = nw.when((points >= earned) | kept).then(nw.lit(name)).otherwise(tier)
    return _with(table, nw.when(points.is_finite()).then(tier)), facts


def _check_held(table: Table, held: nw.Expr, names: Sequence[str], column: str) -> None:
    there = collect(table.frame.select(held=held).unique())["held"].to_pylist()
    if strange := sorted({name for name in there if name} - set(names)):
        told, known = (", ".join(map(repr, some)) for some in (strange[:5], names))
        raise ContractError(f"{table.described}: column {column!r} holds {told}, which is no tier. Fix: use {known}.")


_WAYS: Mapping[str, Callable[[Table, Plan, Segments, Read], tuple[Table, dict[str, Any]]]] = {
    "bands": _banded,
    "kmeans": _clustered,
    "mixture": _clustered,
    "rfm": _ranked,
    "tiers": _tiered,
}
