"""A comparison in words: what differs, which exclusions and groups came or went, why a number is not there."""

from __future__ import annotations

from scoring.fairness.metrics import METRICS
from scoring.fairness.narrative import who
from scoring.fairness.verdicts import records
from scoring.monitoring.comparison import Comparison
from scoring.monitoring.differences import UNTOLD
from scoring.texts import SEMICOLON, has, pick, say


def because(code: str, language: str) -> str:
    """Return a reason in words."""
    return say(f"monitoring.because_{code}" if has(f"monitoring.because_{code}", language) else f"drift.because_{code}", language)


def metric_name(name: str, language: str) -> str:
    """Return the name of a metric; one that is not in the table of metrics speaks of offers."""
    found = METRICS.get(name)
    return say("monitoring.offer_rate", language) if found is None else found.fr if language == "fr" else found.en


def changes(comparison: Comparison, language: str) -> list[str]:
    """Return in words what differs beyond the people, and which exclusions and groups came or went."""
    said = []
    for one in comparison.differences:
        name = f"monitoring.differs_{one.what}{'_untold' if one.what == 'model' and UNTOLD in {one.then, one.now} else ''}"
        none = say("monitoring.none", language)
        about = pick(comparison.titles.get(one.about), language) or one.about
        said.append(say(name, language, then=one.then or none, now=one.now or none, about=about))
    for which in ("new", "gone", "stays"):
        rows = records(comparison.excluded(which))
        listed = [f"{who(row, language, comparison.titles)} ({metric_name(str(row['metric']), language)})" for row in rows]
        said += [say(f"monitoring.exclusions_{which}", language, listed=_together(listed, language))] if listed else []
    for standing in dict.fromkeys(comparison.table["standing"]):
        if standing not in {"both", "joint"}:
            listed = [who(row, language, comparison.titles) for row in records(comparison.standing(standing))]
            said.append(say(f"monitoring.groups_{standing}", language, listed=_together(listed, language)))
    return said


def _together(words: list[str], language: str) -> str:
    return SEMICOLON[language].join(words)
