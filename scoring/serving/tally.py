"""What became of the rows of a file that was scored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from scoring.errors import ContractError
from scoring.plan import Plan
from scoring.serving.score_batches import REASON, UNDECIDED
from scoring.serving.served import Served

Step = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of the rows of a file: each was scored, has no score, or was rejected."""

    rows: int
    scored: int
    unscored: int
    rejected: Mapping[str, int] = field(default_factory=dict)
    """Reason -> rows."""
    favoured: int | None = None
    """Whose score reaches the cut-off; none where nothing is cut."""
    cutoff: float | None = None
    """In the score's own units."""
    model: str = ""
    """Where the score comes from, in a sentence."""


class Counting:
    """Adds up what became of the rows, batch by batch."""

    def __init__(self, step: Step | None, total: int) -> None:
        self.rows = self.unscored = self.favoured = 0
        self.rejected: Counter[str] = Counter()
        self._step, self._total = step, total

    def add(self, batch: pa.RecordBatch) -> None:
        """Add the rows of a batch that was scored."""
        self.rows += len(batch)
        reason = batch.column(REASON)
        if reason.null_count < len(batch):
            self.rejected.update({pair["values"]: pair["counts"] for pair in reason.drop_null().value_counts().to_pylist()})
        self.unscored += pc.sum(pc.and_(reason.is_null(), batch.column("score").is_null())).as_py() or 0
        if "favoured" in batch.schema.names:
            self.favoured += pc.sum(batch.column("favoured")).as_py() or 0
        if self._step is not None:
            self._step(self.rows, self._total)

    def tally(self, served: Served) -> Tally:
        """Return the sums."""
        rejected = dict(sorted(self.rejected.items(), key=lambda pair: (-pair[1], pair[0])))
        unscored = self.unscored + rejected.pop(UNDECIDED, 0)
        scored = self.rows - unscored - sum(rejected.values())
        favoured = None if served.cutoff is None else self.favoured
        cutoff = None if served.cutoff is None else served.direction * served.cutoff
        return Tally(self.rows, scored, unscored, rejected, favoured, cutoff, served.origin)


def refuse_many(tally: Tally, plan: Plan, described: str) -> None:
    """Refuse a file of which more is rejected than declared, as a study does; who cannot be decided for want of a score counts too."""
    lost = dict(tally.rejected) | ({UNDECIDED: tally.unscored} if tally.cutoff is not None and tally.unscored else {})
    share = sum(lost.values()) / max(tally.rows, 1)
    if share > plan.bounds.max_rejected_share:
        reasons = ", ".join(f"{reason} ({n:,})" for reason, n in lost.items())
        raise ContractError(
            f"{described}: {sum(lost.values()):,} of {tally.rows:,} rows ({share:.1%}) break the contract, more than the declared "
            f"{plan.bounds.max_rejected_share:.1%}: {reasons}. Fix: mend the file, or raise study.bounds.max_rejected_share and say why."
        )
