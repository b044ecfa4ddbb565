"""Score, decision, segment and offer of one batch of people: arrays in, arrays out, the same on one machine and on a cluster.

`Steps` holds plain values only, so that it can be sent to a cluster as it is; the fitted estimator travels as a model file, never as a pickle.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from scoring.customers.intake import pseudonymise
from scoring.errors import ContractError
from scoring.fairness.labels import as_text
from scoring.vocabulary import undecided_reason

REASON: Final = "reason"
"""The column that says why a row is not scored."""
UNDECIDED: Final = undecided_reason(None)
_BLANK: Final = re.compile(r"^\s*$")
_INT64: Final = pa.int64()


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """What is done to each row: which columns of a batch are what, and the rules of the declaration."""

    features: tuple[tuple[str, str], ...] = ()
    """Name at fit -> column of the batch, for the estimator; empty where the score is a column."""
    score: str | None = None
    segment: str | None = None
    """The column of it, unless it is a band of the score."""
    decision: str | None = None
    identifier: str | None = None
    direction: float = 1.0
    cutoff: float | None = None
    """In the score's better direction."""
    edges: tuple[float, ...] | None = None
    names: tuple[str, ...] = ()
    """Of the bands, from the lowest."""
    offers: tuple[tuple[str, str | None], ...] = ()

    @property
    def segmented(self) -> bool:
        """Whether people are put into segments."""
        return self.segment is not None or self.edges is not None


@dataclass(frozen=True, slots=True)
class Scorer:
    """The steps and the fitted estimator that they need."""

    steps: Steps
    estimator: Any = None
    key: bytes = b""
    """Secret of the pseudonyms."""

    def score(self, batch: pa.RecordBatch, first_row: int | None = None) -> pa.RecordBatch:
        """Score the rows of a batch; who has a reason not to be is passed on without a score.

        Parameters
        ----------
        batch
            The columns that `Steps` names, and `reason`, empty where nothing is wrong.
        first_row
            Number of the first row in the file; none where rows have no order.

        Returns
        -------
        pyarrow.RecordBatch
            As many rows in the same order: score, segment, decision, favoured and offer as far as they are declared, person or row, reason.

        Raises
        ------
        ContractError or ModelError
            A segment without a rule for its offer; values that the model was not fitted for.
        """
        steps, reason = self.steps, batch.column(REASON)
        places = pc.indices_nonzero(reason.is_null()) if reason.null_count < len(reason) else None
        sound = batch if places is None else batch.take(places)
        told = {name: _spread(column, places, len(batch)) for name, column in self._told(sound).items()}
        if steps.identifier is not None:
            told["person"] = pa.array(pseudonymise(batch.column(steps.identifier).to_pylist(), self.key), pa.string())
        else:
            told["row"] = pa.nulls(len(batch), _INT64) if first_row is None else pa.array(np.arange(first_row, first_row + len(batch)))
        if steps.cutoff is not None:
            reason = pc.if_else(pc.and_(reason.is_null(), told["score"].is_null()), UNDECIDED, reason)
        return pa.RecordBatch.from_pydict({**told, REASON: reason.cast(pa.string())})

    def _told(self, sound: pa.RecordBatch) -> dict[str, pa.Array]:
        """Return what is worked out of rows that break nothing."""
        steps = self.steps
        score = sound.column(steps.score) if steps.score is not None else self._estimated(sound)
        values = score.to_numpy(zero_copy_only=False).astype(np.float64)  # none is not-a-number
        known = np.isfinite(values)
        told = {"score": score}
        if steps.segmented:
            told["segment"] = self._segments(sound, values, known)
        if steps.decision is not None:
            told["decision"] = sound.column(steps.decision)
        if steps.cutoff is not None:
            told["favoured"] = pa.array(steps.direction * values >= steps.cutoff, mask=~known)
        if steps.offers:
            told["offer"] = _offered(told["segment"], dict(steps.offers))
        return told

    def _estimated(self, sound: pa.RecordBatch) -> pa.Array:
        from scoring.models.training import favourable_scores

        if not len(sound):
            return pa.array([], pa.float64())
        scores = favourable_scores(self.estimator, frame_of(sound, self.steps.features))
        return pa.array(scores, mask=~np.isfinite(scores))

    def _segments(self, sound: pa.RecordBatch, values: NDArray[np.float64], known: NDArray[np.bool_]) -> pa.Array:
        steps = self.steps
        if steps.segment is not None or steps.edges is None:
            return sound.column(str(steps.segment))
        bands = np.searchsorted(steps.edges, values, side="right")
        return pa.array(list(steps.names), pa.string()).take(pa.array(bands, _INT64, mask=~known))

    def payload(self) -> dict[str, Any]:
        """Return plain values from which `Scorer.of` makes this again, on another machine."""
        from scoring.models.persistence import dumps

        return {"steps": asdict(self.steps), "estimator": None if self.estimator is None else dumps(self.estimator), "key": self.key}

    @classmethod
    def of(cls, payload: Mapping[str, Any]) -> Scorer:
        """Make a scorer of what `payload` returned."""
        from scoring.models.persistence import loads

        estimator = None if payload["estimator"] is None else loads(payload["estimator"])
        return cls(Steps(**payload["steps"]), estimator, payload["key"])


def scored_batches(batches: Iterable[pa.RecordBatch], payload: Mapping[str, Any]) -> Iterator[pa.RecordBatch]:
    """Score the batches of one part of a cluster's table; the estimator is read once."""
    scorer = Scorer.of(payload)
    for batch in batches:
        yield scorer.score(batch)


def frame_of(batch: pa.RecordBatch, columns: Sequence[tuple[str, str]]) -> pd.DataFrame:
    """Return features under their names at fit, as `scores.features_of` does: blanks are missing, numbers are floats, whatever a batch lacks."""
    return pd.DataFrame({name: _feature(batch.column(own)) for name, own in columns}, copy=False)


def _feature(column: pa.Array) -> Any:
    if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
        return column.to_numpy(zero_copy_only=False).astype(np.float64, copy=False)
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return _without_blanks(column).to_pandas()
    return column.to_pandas()


def _without_blanks(column: pa.Array) -> pa.Array:
    """Make blanks missing; only the different texts are looked at."""
    held = column.dictionary_encode()
    blank = [_BLANK.match(text) is not None for text in held.dictionary.to_pylist()]
    if not any(blank):
        return column
    return pa.array(held.dictionary.to_numpy(zero_copy_only=False), pa.string(), mask=np.array(blank)).take(held.indices)


def _offered(segments: pa.Array, offers: Mapping[str, str | None]) -> pa.Array:
    """Return the offer of each segment, none where there is none; a segment without a rule is refused, as by a study."""
    held = segments.dictionary_encode()
    texts = [as_text(value).strip() for value in held.dictionary.to_pylist()]
    if others := sorted({text for text in texts if text} - set(offers)):
        raise ContractError(
            f"segments {', '.join(map(repr, others))} have no rule in study.segments.offers. Fix: add each; empty (null) says that there is no offer."
        )
    return pa.array([offers.get(text) for text in texts], pa.string()).take(held.indices)


def _spread(column: pa.Array, places: pa.Array | None, length: int) -> pa.Array:
    """Put the values of some rows in their places among all, none elsewhere."""
    if places is None:
        return column
    where = np.full(length, -1, np.int64)
    where[places.to_numpy()] = np.arange(len(places))
    return column.take(pa.array(where, mask=where < 0))
