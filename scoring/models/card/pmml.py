"""A scorecard as PMML 4.4 `Scorecard`, for engines of others: the same points for the same person, reason codes included.

Read off https://dmg.org/pmml/v4-4/Scorecard.html: the first attribute of a characteristic that is true gives its points. So special
values come before ranges, missing before unseen; each predicate names the characteristic's own field only, as the standard asks.
Levels are text: truth values are to be given as ``True`` and ``False``, whole numbers without decimals.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, Final
from xml.etree import ElementTree as ET

import numpy as np
from sklearn.utils.validation import check_is_fitted

from scoring._version import __version__
from scoring.models.binning import FeatureBins
from scoring.models.card.grouping import OTHERS
from scoring.models.card.scale import BASELINES, baseline_points
from scoring.models.columns import Kind, ModelError

NAMESPACE: Final = "http://www.dmg.org/PMML-4_4"
_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
REASONS: Final = 4
"""Reason codes given out at most; the number that US creditors give (Regulation B, comment 9(b)(2)-1)."""

Attribute = tuple[float, ET.Element]


def to_pmml(card: Any, *, baseline: str = "max") -> str:
    """Return the card as a PMML document.

    A person's score is ``initialScore`` plus the partial scores. Reason codes are names of features, ranked by how far a person's
    points lie below the baseline of the feature (``pointsBelow``).

    Parameters
    ----------
    baseline : {"max", "mean", "min", "neutral"}
        What the points of a feature are held against: its best bin, the mean of the people at fit, its worst bin, or 0.

    Raises
    ------
    ModelError
        The card has no features, or a name holds a character that XML cannot.

    Examples
    --------
    >>> import pandas as pd
    >>> from scoring.models import Scorecard
    >>> people = pd.DataFrame({"home": ["own", "own", "rent", "own", "rent", "rent"] * 50})
    >>> document = Scorecard().fit(people, ["good", "good", "bad", "good", "good", "bad"] * 50).to_pmml()
    >>> '<Characteristic name="home" reasonCode="home" baselineScore="130">' in document
    True
    """
    check_is_fitted(card)
    if baseline not in BASELINES:
        raise ModelError(f"No baseline {baseline!r}. Fix: use one of {', '.join(BASELINES)}.")
    if not card.features_:
        raise ModelError("The card has no feature, and PMML knows no such scorecard. Fix: lower min_iv, or bring features that tell something.")
    entered = [bins for bins in card.binner_.bins_ if bins.name in card.features_]
    root = ET.Element("PMML", {"version": "4.4", "xmlns": NAMESPACE})
    ET.SubElement(ET.SubElement(root, "Header"), "Application", {"name": "Equiscore", "version": __version__})
    strict = card.binner_.unseen == "error"
    _dictionary(root, entered, strict=strict)
    _scorecard(root, card, entered, baseline, strict=strict)
    ET.indent(root)
    return _checked('<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n")


def _checked(document: str) -> str:
    if odd := _NOT_XML.search(document):
        raise ModelError(f"A name of the card holds {odd.group()!r}, which XML cannot. Fix: rename that level or feature.")
    return document


def _dictionary(root: ET.Element, entered: Sequence[FeatureBins], *, strict: bool) -> None:
    """Write what fields there are; only where an unseen level is an error are the valid ones listed."""
    dictionary = ET.SubElement(root, "DataDictionary", {"numberOfFields": str(len(entered))})
    for bins in entered:
        kind = ("categorical", "string") if bins.kind == Kind.LEVELS else ("continuous", "double")
        field = ET.SubElement(dictionary, "DataField", {"name": str(bins.name), "optype": kind[0], "dataType": kind[1]})
        for level in bins.levels if strict and OTHERS not in bins.levels else ():
            ET.SubElement(field, "Value", {"value": level})


def _scorecard(root: ET.Element, card: Any, entered: Sequence[FeatureBins], baseline: str, *, strict: bool) -> None:
    how = {"initialScore": _number(card.base_), "useReasonCodes": "true", "reasonCodeAlgorithm": "pointsBelow", "baselineMethod": baseline}
    model = ET.SubElement(root, "Scorecard", {"modelName": "Scorecard", "functionName": "regression", **how})
    schema = ET.SubElement(model, "MiningSchema")
    treatment = "returnInvalid" if strict else "asIs"
    for bins in entered:
        ET.SubElement(schema, "MiningField", {"name": str(bins.name), "usageType": "active", "invalidValueTreatment": treatment})
    output = ET.SubElement(model, "Output")
    ET.SubElement(output, "OutputField", {"name": "score", "feature": "predictedValue", "dataType": "double", "optype": "continuous"})
    for rank in range(1, min(REASONS, len(entered)) + 1):
        told = {"name": f"reason_{rank}", "feature": "reasonCode", "rank": str(rank), "dataType": "string", "optype": "categorical"}
        ET.SubElement(output, "OutputField", told)
    characteristics = ET.SubElement(model, "Characteristics")
    for bins, points in zip(entered, card.points_, strict=True):
        _characteristic(characteristics, bins, points, baseline, strict=strict)


def _characteristic(above: ET.Element, bins: FeatureBins, points: Sequence[float], baseline: str, *, strict: bool) -> None:
    against = baseline_points(np.array(points, np.float64), bins.counts.sum(axis=0), baseline)
    told = {"name": str(bins.name), "reasonCode": str(bins.name), "baselineScore": _number(against)}
    characteristic = ET.SubElement(above, "Characteristic", told)
    attributes = _of_levels(bins, points, strict=strict) if bins.kind == Kind.LEVELS else _of_numbers(bins, points)
    for partial, predicate in attributes:
        ET.SubElement(characteristic, "Attribute", {"partialScore": _number(partial)}).append(predicate)


# -- predicates --------------------------------------------------------------------------------------------------------------------


def _of_numbers(bins: FeatureBins, points: Sequence[float]) -> Iterator[Attribute]:
    n_ranges = len(bins.edges) + 1
    for value, partial in zip(bins.special, points[n_ranges:], strict=False):
        yield partial, _simple(bins, "equal", _number(value))
    bounds = [None, *bins.edges, None]
    for (low, high), partial in zip(pairwise(bounds), points, strict=False):
        above = [] if low is None else [_simple(bins, "greaterThan", _number(low))]
        upto = [] if high is None else [_simple(bins, "lessOrEqual", _number(high))]
        yield partial, _joined("and", [*above, *upto] or [_simple(bins, "isNotMissing")])
    yield points[-1], _simple(bins, "isMissing")


def _of_levels(bins: FeatureBins, points: Sequence[float], *, strict: bool) -> Iterator[Attribute]:
    places = bins.places or range(len(bins.levels))
    for place in range(len(bins.labels) - 2):
        named = [level for level, its in zip(bins.levels, places, strict=True) if its == place and not (bins.places and level == OTHERS)]
        if named:
            yield points[place], _joined("or", [_simple(bins, "equal", level) for level in named])
    yield points[-2], _simple(bins, "isMissing")
    if bins.places and OTHERS in bins.levels:
        yield points[places[bins.levels.index(OTHERS)]], _simple(bins, "isNotMissing")
    elif not strict:
        yield points[-1], _simple(bins, "isNotMissing")


def _simple(bins: FeatureBins, operator: str, value: str | None = None) -> ET.Element:
    given = {} if value is None else {"value": value}
    return ET.Element("SimplePredicate", {"field": str(bins.name), "operator": operator, **given})


def _joined(operator: str, predicates: Sequence[ET.Element]) -> ET.Element:
    if len(predicates) == 1:
        return predicates[0]
    joined = ET.Element("CompoundPredicate", {"booleanOperator": operator})
    joined.extend(predicates)
    return joined


def _number(value: float) -> str:
    """Write a number so that it reads back exactly."""
    return repr(float(value)).removesuffix(".0")
