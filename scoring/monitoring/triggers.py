"""What a comparison asks for: each trigger fired, not fired, or not measurable, with its numbers and its reason.

One that cannot be measured is never read as fine, nor is one that did not fire: `open` says that a change beyond its threshold is not
ruled out. Nothing here says that all is well.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Final

from scoring.fairness.narrative import Titles, who
from scoring.fairness.verdicts import records
from scoring.monitoring.comparison import Comparison
from scoring.monitoring.measures import Change
from scoring.monitoring.schedule import Thresholds
from scoring.monitoring.wording import because, metric_name
from scoring.texts import pick, say
from scoring.vocabulary import Verdict

FIRED_CODE, OPEN_CODE = 1, 3


class Kind(StrEnum):
    """What is watched."""

    NEW_EXCLUSION = "new_exclusion"
    RATIO_FALL = "ratio_fall"
    STABILITY = "stability_index"
    UNKNOWN_RISE = "unknown_rise"
    AUC_FALL = "auc_fall"
    OVERRIDES = "override_change"


class Outcome(StrEnum):
    """What became of a trigger."""

    FIRED = "fired"
    NOT_MEASURABLE = "not measurable"
    NOT_FIRED = "not fired"


@dataclass(frozen=True, slots=True)
class Trigger:
    """One thing watched, of one group, attribute or score."""

    kind: Kind
    outcome: Outcome
    subject: Mapping[str, str] = field(default_factory=dict)
    """attribute, group, metric; empty where it is about everybody."""
    numbers: Mapping[str, float] = field(default_factory=dict)
    """threshold, then, now, change, low, high, and p where there is one; nan for what is not known."""
    reasons: tuple[str, ...] = ()
    """Why it is not measurable: keys ``monitoring.because_<name>`` or ``drift.because_<name>``."""
    open: bool = False
    """It did not fire, but a change beyond the threshold is not ruled out."""

    def sentence(self, language: str, titles: Titles | None = None) -> str:
        """Return what the trigger says, with its numbers and its reasons."""
        form = f"{self.kind}_{self.outcome.replace(' ', '_')}"
        said = say(f"monitoring.{form}", language, **self.numbers, **_spoken(self.subject, language, titles))
        more = [say("monitoring.not_ruled_out", language)] if self.open else []
        return " ".join([said, *more, *(because(code, language) for code in self.reasons)])

    def document(self) -> dict[str, Any]:
        """Return the trigger as plain JSON."""
        numbers = {name: value if math.isfinite(value) else None for name, value in self.numbers.items()}
        return asdict(self) | {"kind": self.kind.value, "outcome": self.outcome.value, "numbers": numbers, "reasons": list(self.reasons)}


def _spoken(subject: Mapping[str, str], language: str, titles: Titles | None) -> dict[str, str]:
    said = {"named": metric_name(subject["metric"], language)} if "metric" in subject else {}
    if "group" in subject:
        return said | {"who": who(subject, language, titles)}
    return said | ({"attribute": pick((titles or {}).get(subject["attribute"]), language) or subject["attribute"]} if subject else {})


def triggers(comparison: Comparison, thresholds: Thresholds) -> tuple[Trigger, ...]:
    """Return every trigger: those that fired first, then those not measurable.

    Parameters
    ----------
    comparison
        Of a new study with the signed one.
    thresholds
        From where on a change asks for a revision.

    Notes
    -----
    A fall of a ratio fires where it is beyond the threshold and shown after adjustment over all groups and metrics of single attributes
    (two-sided: each side has (1 - confidence)/2 for all of them together). The index, the AUC and the shares have a level of their own each.
    It holds for one comparison; many comparisons of one study raise the chance that one of them fires where nothing changed.
    """
    found = [*_new_exclusions(comparison), *_falls(comparison, thresholds.ratio_fall), *_of_score(comparison, thresholds)]
    order = list(Outcome)
    return tuple(sorted(found, key=lambda one: order.index(one.outcome)))


def _new_exclusions(comparison: Comparison) -> Iterator[Trigger]:
    """Go through exclusions that are new, then groups of which none can be shown any longer; one trigger says that there is neither."""
    told: set[tuple[str, ...]] = set()
    for row in records(comparison.table):
        lost, subject = _lost(row), _subject(row)
        # of a group that cannot be seen one line is enough; of a metric that is not there, one a metric
        key = tuple(subject.values()) if row["exclusion"] == "new" or lost == "other_metrics" else (subject["attribute"], subject["group"])
        if row["exclusion"] == "new":
            yield Trigger(Kind.NEW_EXCLUSION, Outcome.FIRED, subject, {"then": row["ratio_then"], "now": row["ratio_now"]})
        elif lost and key not in told:
            yield Trigger(Kind.NEW_EXCLUSION, Outcome.NOT_MEASURABLE, subject, {"then": row["ratio_then"], "now": row["ratio_now"]}, (lost,))
        told |= {key} if lost or row["exclusion"] == "new" else set()
    if not told:
        # two verdicts are open: exclusion of such a group is neither shown nor ruled out
        unsure = comparison.table["verdict_now"].isin([Verdict.LEANING.value, Verdict.UNDETERMINED.value]).any()
        yield Trigger(Kind.NEW_EXCLUSION, Outcome.NOT_FIRED, open=bool(unsure))


def _lost(row: Mapping[str, Any]) -> str:
    """Return why a new exclusion of a group, or of those who are not shown, could not be seen; nothing where it could."""
    if row["standing"] in {"vanished", "too_small_now", "too_small", "appeared_small", "not_studied_now"}:
        return str(row["standing"])
    return "other_metrics" if "other_metrics" in row["reasons"] and row["verdict_now"] == "absent" else ""


def _falls(comparison: Comparison, part: float) -> Iterator[Trigger]:
    """Go through the groups of single attributes; what is itself the reference, or is nobody in both studies, is not asked about."""
    edge = math.log1p(-part)
    for row in records(comparison.table[comparison.table["depth"] == 1]):
        if "is_reference" in row["reasons"] or row["standing"] in {"nobody_ever", "joint"}:
            continue
        change = {"change": row["change"], "low": row["change_low"], "high": row["change_high"]}
        numbers = {"threshold": 1 - part, "then": row["ratio_then"], "now": row["ratio_now"], **change, "confidence": comparison.confidence}
        if math.isnan(row["p_adjusted"]):
            reasons = row["reasons"] or ("no_interval",)
            yield Trigger(Kind.RATIO_FALL, Outcome.NOT_MEASURABLE, _subject(row), numbers, reasons)
        elif row["log_change"] < edge and row["moved"] == "worse":
            yield Trigger(Kind.RATIO_FALL, Outcome.FIRED, _subject(row), numbers)
        else:
            yield Trigger(Kind.RATIO_FALL, Outcome.NOT_FIRED, _subject(row), numbers, open=bool(row["log_change_low"] < edge))


def _subject(row: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(row[name]) for name in ("attribute", "group", "metric")}


def _of_score(comparison: Comparison, asked: Thresholds) -> Iterator[Trigger]:
    """Give what is about everybody, and the unknown people of each attribute."""
    index, other = comparison.stability, () if comparison.comparable else ("not_comparable",)
    alike = index.more.get("p", math.nan) >= 1 - comparison.confidence
    beyond = index.change >= asked.stability_index
    # the index is never below 0: its interval says how large it may be, its chance whether it is there at all
    yield _one(
        Kind.STABILITY, index, asked.stability_index, other, comparison, fires=beyond and not alike, unsure=index.high >= asked.stability_index
    )
    auc = comparison.auc
    fell = auc.change < -asked.auc_fall
    yield _one(Kind.AUC_FALL, auc, asked.auc_fall, other, comparison, fires=fell and auc.high < 0, unsure=auc.low < -asked.auc_fall)
    for name, share in comparison.unknown.items():
        rose, subject = share.change > asked.unknown_rise, {"attribute": name}
        fires, unsure = rose and share.low > 0, share.high > asked.unknown_rise
        yield _one(Kind.UNKNOWN_RISE, share, asked.unknown_rise, other, comparison, fires=fires, unsure=unsure, subject=subject)
    rate, limit = comparison.overrides, asked.override_change
    moved = abs(rate.change) > limit
    fires, unsure = moved and (rate.low > 0 or rate.high < 0), rate.low < -limit or rate.high > limit
    if rate.reasons == ("stated",):  # two rates that were stated for all decisions: a fact, not a sample
        rate, fires, unsure = Change(rate.then, rate.now, rate.change, rate.change, rate.change), moved, False
    yield _one(Kind.OVERRIDES, rate, limit, other, comparison, fires=fires, unsure=unsure)


def _one(
    kind: Kind,
    change: Change,
    threshold: float,
    other: tuple[str, ...],
    comparison: Comparison,
    *,
    fires: bool,
    unsure: bool,
    subject: Mapping[str, str] | None = None,
) -> Trigger:
    numbers = {"threshold": threshold, **{name: getattr(change, name) for name in ("then", "now", "change", "low", "high")}}
    numbers |= {"confidence": comparison.confidence, "p": math.nan, "bias": math.nan} | dict(change.more)
    untold = any(math.isnan(number) for number in (change.change, change.low, change.high))
    if reasons := (*other, *change.reasons) or (("no_interval",) if untold else ()):
        return Trigger(kind, Outcome.NOT_MEASURABLE, subject or {}, numbers, reasons)
    outcome = Outcome.FIRED if fires else Outcome.NOT_FIRED
    return Trigger(kind, outcome, subject or {}, numbers, open=bool(unsure and not fires))


# -- what follows ------------------------------------------------------------------------------------------------------------------

REVISE: Final = "revise"
NONE_FIRED: Final = "no trigger fired"


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What all triggers together say."""

    fired: int
    not_measurable: int
    open: int
    """Did not fire, but a change beyond the threshold is not ruled out."""

    @property
    def result(self) -> str:
        """``revise`` or ``no trigger fired``."""
        return REVISE if self.fired else NONE_FIRED

    @property
    def exit_code(self) -> int:
        """1 where one fired, 3 where one is not measurable, else 0."""
        return FIRED_CODE if self.fired else OPEN_CODE if self.not_measurable else 0

    def sentence(self, language: str) -> str:
        """Return the result in words."""
        return say(f"monitoring.{'revise' if self.fired else 'none_fired'}", language, **asdict(self))


def conclude(found: Sequence[Trigger]) -> Conclusion:
    """Count what fired, what is not measurable, and what is not ruled out.

    >>> conclude([Trigger(Kind.AUC_FALL, Outcome.NOT_MEASURABLE)]).sentence("en")
    'No trigger fired; not measurable: 1; not fired, but a change beyond the threshold is not ruled out: 0. That is not a clearance.'
    """
    outcomes = [one.outcome for one in found]
    return Conclusion(outcomes.count(Outcome.FIRED), outcomes.count(Outcome.NOT_MEASURABLE), sum(one.open for one in found))


def sentences(comparison: Comparison, found: Sequence[Trigger], language: str) -> list[str]:
    """Return the result, what cannot be compared and why, and each trigger that fired or is not measurable, in words."""
    said = [conclude(found).sentence(language)]
    said += [say(f"monitoring.obstacle_{code}", language) for code in comparison.obstacles]
    told = [one for one in found if one.outcome is not Outcome.NOT_FIRED]
    return said + [one.sentence(language, comparison.titles) for one in told]
