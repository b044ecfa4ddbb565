"""A new study held against the signed one: every group of either, its ratio and verdict then and now, and what else changed.

What is shown comes from published tables. A change is one of the logarithm of the ratio, with the interval of `fairness.drift`: Koopman's
score limits (1984) of each study, whose distances add up as variances do where the studies are independent (Zou & Donner 2008, *Statistics
in Medicine* 27:1693). The p-values of single attributes are adjusted (Holm 1979) over all their groups and metrics, as one family.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import numpy as np
import pandas as pd

from scoring.errors import EquiscoreError
from scoring.fairness.disparity import IS_REFERENCE
from scoring.fairness.drift import Shared, compare_studies
from scoring.fairness.hypotheses import adjust
from scoring.fairness.metrics import METRICS
from scoring.fairness.verdicts import records
from scoring.further import FurtherTables
from scoring.monitoring.differences import Difference, differences, obstacles, other_outcome, redefined
from scoring.monitoring.measures import Change, auc_change, override_change, score_stability, unknown_changes
from scoring.study import Study
from scoring.vocabulary import CROSS, SMALL_GROUPS, WITHHELD, Verdict

KEYS: Final = ["attribute", "group", "metric"]
COMPARED: Final = [
    *(*KEYS, "depth", "standing", "people_then", "people_now", "value_then", "value_now", "ratio_then", "ratio_now"),
    *("change", "change_low", "change_high", "log_change", "log_change_low", "log_change_high", "p", "p_adjusted", "moved"),
    *("verdict_then", "verdict_now", "exclusion", "reference", "joins_then", "joins_now", "reasons"),
]
STANDINGS: Final = {
    ("shown", "shown"): "both",
    ("shown", "empty"): "vanished",
    ("small", "empty"): "vanished",
    ("empty", "shown"): "appeared",
    ("empty", "small"): "appeared_small",
    ("shown", "small"): "too_small_now",
    ("small", "shown"): "too_small_then",
    ("small", "small"): "too_small",
    ("empty", "empty"): "nobody_ever",
}
"""What became of a group, from how it stands in each study. A study that does not look at its attribute gives ``not_studied_then`` or
``_now``; what joins several groups is ``joint``."""
_OF_DRIFT: Final = ["change", "change_low", "change_high", "log_change", "log_change_low", "log_change_high", "p", "p_adjusted", "moved"]
_FROM_DRIFT: Final = [*KEYS, "depth", "people", "value", "ratio", "x", "n", "y", "m", "reference", "verdict"]


@dataclass(frozen=True)
class Comparison:
    """What changed since the signed study. Nothing in it is a clearance."""

    signed: Mapping[str, Any]
    """Digest, input and period of the signed study."""
    new: Mapping[str, Any]
    table: pd.DataFrame
    """The columns `COMPARED`, a row per attribute, group and metric of either study."""
    differences: tuple[Difference, ...]
    obstacles: tuple[str, ...]
    """Why the two cannot be compared; empty where they can."""
    stability: Change
    """Of the score; `change` is the index."""
    auc: Change
    overrides: Change
    unknown: Mapping[str, Change]
    """Share of people whose group is unknown, by attribute."""
    shared: str
    confidence: float
    titles: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def comparable(self) -> bool:
        """Whether the two are studies of the same thing."""
        return not self.obstacles

    def excluded(self, which: str) -> pd.DataFrame:
        """Return the rows of exclusions: ``new``, ``gone`` or ``stays``."""
        return self.table[self.table["exclusion"] == which]

    def standing(self, *names: str) -> pd.DataFrame:
        """Return one row for each group that stands so, such as ``vanished`` or ``too_small_now``."""
        return self.table[self.table["standing"].isin(names)].drop_duplicates(["attribute", "group"])

    def document(self) -> dict[str, Any]:
        """Return the comparison as plain JSON; what is no number is null."""
        rows = json.loads(self.table.to_json(orient="records", double_precision=15))
        parts = {name: _plain(getattr(self, name)) for name in ("stability", "auc", "overrides")}
        return {
            "format": 1, "signed": dict(self.signed), "new": dict(self.new), "shared": self.shared, "confidence": self.confidence,
            "obstacles": list(self.obstacles), "differences": [one._asdict() for one in self.differences],
            **parts, "unknown": {name: _plain(change) for name, change in self.unknown.items()},
            "titles": {name: dict(words) for name, words in self.titles.items()}, "table": rows,
        }  # fmt: skip


def compare(signed: Study, new: Study, *, shared: Shared = "unknown") -> Comparison:
    """Hold a new study against the signed one.

    Parameters
    ----------
    signed, new
        Two studies of one declaration.
    shared
        ``none``: no customer is in both files. ``unknown``: some may be; then no change has an interval. Of the very same file nothing else
        is possible.

    Returns
    -------
    Comparison
        Where the two are not comparable (`obstacles`) the table still has every group and both verdicts, without a change.

    Raises
    ------
    EquiscoreError
        Another word for `shared`.
    """
    if shared not in {"none", "unknown"}:
        raise EquiscoreError(f"shared: {shared!r} is not known. Fix: say 'none' where no customer is in both files, otherwise 'unknown'.")
    if signed.source.get("sha256") is not None and signed.source.get("sha256") == new.source.get("sha256"):
        shared = "unknown"
    confidence = signed.plan.bounds.confidence
    shown = signed.published(), new.published()
    then, now = (_rows(tables) for tables in shown)
    hindered = obstacles(signed, new)
    return Comparison(
        _about(signed), _about(new), _table(signed, new, [then, now], shared, hindered), differences(signed, new), hindered,
        score_stability(signed, new, confidence), auc_change(shown[0], shown[1], shared), override_change(signed, new, shared, confidence),
        unknown_changes(then, now, shared, confidence), shared, confidence, {**shown[0].titles, **shown[1].titles},
    )  # fmt: skip


def _about(study: Study) -> dict[str, Any]:
    period = study.plan.period
    return {"digest": study.digest, "input": dict(study.source), "period": period if isinstance(period, str | None) else dict(period)}


def _plain(change: Change) -> dict[str, Any]:
    held: dict[str, Any] = {name: None if isinstance(value, float) and not np.isfinite(value) else value for name, value in asdict(change).items()}
    return held | {"more": {name: value if np.isfinite(value) else None for name, value in change.more.items()}, "reasons": list(change.reasons)}


def _rows(tables: FurtherTables) -> pd.DataFrame:
    """Return the judged rows and those of offers."""
    judged, offers = tables.judged(), tables.offers()
    return pd.concat([judged, offers.reindex(columns=judged.columns)], ignore_index=True) if len(offers) else judged


# -- the table ---------------------------------------------------------------------------------------------------------------------


def _table(signed: Study, new: Study, rows: list[pd.DataFrame], shared: Shared, hindered: tuple[str, ...]) -> pd.DataFrame:
    working = [_rows(study) for study in (signed, new)]
    listed = _side_by_side(rows, working)
    why = [tuple(_reasons(row, signed, new, hindered)) for row in records(listed)]
    free = pd.Series([not codes for codes in why], index=listed.index)
    found = compare_studies(*(_only(rows_, listed[free]) for rows_ in working), bounds=signed.plan.bounds, shared=shared)
    joined = listed.merge(found[[*KEYS, *_OF_DRIFT, "reasons"]], on=KEYS, how="left", validate="one_to_one")
    drifted = joined["reasons"].map(lambda codes: codes if isinstance(codes, tuple) else ())
    joined["reasons"] = [(*mine, *theirs) for mine, theirs in zip(why, drifted, strict=True)]
    joined["moved"] = joined["moved"].astype(object).fillna("")
    return _in_one_family(joined.assign(exclusion=_exclusions(joined)), signed.plan.bounds.confidence)[COMPARED]


def _side_by_side(rows: list[pd.DataFrame], working: list[pd.DataFrame]) -> pd.DataFrame:
    """Return every row that either study publishes, and every level of a single attribute that it has, published or not."""
    names = [*KEYS, "people", "value", "ratio", "verdict", "folded", "reference"]
    sides = []
    for shown, whole, side in zip(rows, working, ("then", "now"), strict=True):
        part = shown[names].astype(dict.fromkeys(KEYS, object))
        sides.append(part.rename(columns={name: f"{name}_{side}" for name in names if name not in KEYS}))
        sides[-1][f"at_{side}"] = True
        hidden = whole[whole["depth"] == 1][KEYS].astype(object)
        sides[-1] = sides[-1].merge(hidden, on=KEYS, how="outer")
    listed = sides[0].merge(sides[1], on=KEYS, how="outer")
    listed["depth"] = listed["attribute"].map({name: depth for part in working for name, depth in zip(part["attribute"], part["depth"], strict=True)})
    for side, shown, whole in zip(("then", "now"), rows, working, strict=True):
        listed[f"stands_{side}"] = _stands(listed, shown, whole)
        small = listed[f"stands_{side}"] == "small"
        absent = np.where(small, "not shown", "absent")
        listed[f"verdict_{side}"] = np.where(listed[f"verdict_{side}"].isna(), absent, listed[f"verdict_{side}"].astype(object))
        listed[f"people_{side}"] = listed[f"people_{side}"].mask(listed[f"stands_{side}"] == "empty", 0.0)
        listed[f"joins_{side}"] = listed[f"folded_{side}"].astype(object).fillna("")
    standing = [_standing(then, now) for then, now in zip(listed["stands_then"], listed["stands_now"], strict=True)]
    joint = listed["group"].isin([SMALL_GROUPS, WITHHELD]) | listed["joins_then"].astype(bool) | listed["joins_now"].astype(bool)
    reference = listed["reference_now"].fillna(listed["reference_then"])
    return listed.assign(standing=np.where(joint, "joint", standing), reference=reference)


def _standing(then: str, now: str) -> str:
    if "not studied" in {then, now}:
        return "not_studied_then" if then == "not studied" else "not_studied_now"
    return STANDINGS[then, now]


def _stands(listed: pd.DataFrame, shown: pd.DataFrame, working: pd.DataFrame) -> list[str]:
    """Return how each group stands in a study: ``shown``, ``small`` (not shown by itself), ``empty`` (nobody), ``not studied``."""
    studied = set(working["attribute"])
    people = dict(zip(zip(shown["attribute"], shown["group"], strict=True), shown["people"].fillna(1.0), strict=True))
    single = working[working["depth"] == 1]
    held = dict(zip(zip(single["attribute"], single["group"], strict=True), single["people"], strict=True))
    # of a crossing with joined or withheld cells it is not said which cells are empty
    whole = {str(name) for name, part in shown.groupby("attribute") if not (part["folded"].astype(bool) | part["group"].eq(WITHHELD)).any()}
    stands = []
    for attribute, group, depth in zip(listed["attribute"], listed["group"], listed["depth"], strict=True):
        key = attribute, group
        if attribute not in studied:
            stands.append("not studied")
        elif key in people:
            stands.append("shown" if people[key] > 0 else "empty")
        elif group in {SMALL_GROUPS, WITHHELD}:
            stands.append("empty")
        else:
            stands.append("small" if held.get(key, 0) > 0 or (depth > 1 and attribute not in whole) else "empty")
    return stands


def _reasons(row: Mapping[str, Any], signed: Study, new: Study, hindered: tuple[str, ...]) -> Iterator[str]:
    """Go through why a row has no change."""
    if hindered:
        yield "not_comparable"
    if row["standing"] != "both":
        yield row["standing"]
        return
    if set(str(row["attribute"]).split(CROSS)) & redefined(signed.plan, new.plan):
        yield "redefined"
    metric = METRICS.get(row["metric"])
    if metric is not None and metric.needs_outcome and other_outcome(signed.plan, new.plan):
        yield "other_outcome"
    if row["at_then"] is not True or row["at_now"] is not True:
        yield "other_metrics"


def _only(working: pd.DataFrame, keys: pd.DataFrame) -> pd.DataFrame:
    """Return the working rows of groups that both studies publish as they are."""
    return working.astype(dict.fromkeys(KEYS, object)).merge(keys[KEYS], on=KEYS)[_FROM_DRIFT]


def _exclusions(rows: pd.DataFrame) -> list[str]:
    """Return of each row whether exclusion is shown now and was not (``new``), was and is not (``gone``), or both (``stays``)."""
    then, now = ((rows[f"verdict_{side}"] == Verdict.EXCLUSION.value).to_numpy() for side in ("then", "now"))
    return np.select([now & ~then, then & ~now, then & now], ["new", "gone", "stays"], "").tolist()


def _in_one_family(rows: pd.DataFrame, confidence: float) -> pd.DataFrame:
    """Adjust single attributes over all their groups and metrics; what the reference is has no comparison."""
    single = (rows["depth"] == 1).to_numpy()
    adjusted = rows["p_adjusted"].to_numpy(float, copy=True)
    adjusted[single] = adjust(rows["p"].to_numpy(float)[single])
    known = ~np.isnan(adjusted)
    moved = np.select([~known, adjusted >= 1 - confidence, rows["log_change"].to_numpy(float) < 0], ["", "not shown", "worse"], "better")
    rows = rows.assign(p_adjusted=adjusted, moved=moved)
    rows["reasons"] = [
        (*codes, "is_reference") if reference == IS_REFERENCE else codes for codes, reference in zip(rows["reasons"], rows["reference"], strict=True)
    ]
    first = rows["exclusion"].map({"new": 0, "": 2, "stays": 1, "gone": 1})
    order = rows.assign(first=first, worse=rows["moved"] != "worse", same=rows["standing"] == "both").sort_values(
        ["first", "worse", "same", "depth", *KEYS], kind="stable"
    )
    return order.reset_index(drop=True)
