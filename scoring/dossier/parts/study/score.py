"""What the decision is made of: the score, its points, how well it ranks, the cut-off; then segments and offers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from scoring.dossier.document import Block, Column, Estimate, Figure, Finding, Findings, KeyValues, Paragraph, Row, TableBlock
from scoring.dossier.parts.study.verdicts import verdict_tables
from scoring.dossier.parts.study.wording import cutoff_origin, decision_origin
from scoring.dossier.view import View, rows_of
from scoring.fairness.narrative import sentence
from scoring.plan import Segments
from scoring.plots.calibration import plot_calibration
from scoring.plots.canvas import to_svg
from scoring.vocabulary import ColumnType, Verdict

_WIDE = 7
"""Segments that fit beside each other."""


def score(view: View) -> Iterator[Block]:
    """Say where the score comes from, what it is made of, how well it ranks, and where it is cut."""
    yield view.heading("score")
    if view.plan.score is None:
        yield Paragraph(view.say("no_score"))
    yield KeyValues(tuple(_origin(view)))
    if view.study.facts.get("points"):
        yield from _points(view)
    yield from _ranking(view)


def _origin(view: View) -> Iterator[tuple[str, str]]:
    yield view.say("decision"), decision_origin(view)
    if view.plan.decision.cutoff is not None:
        yield view.say("cutoff"), cutoff_origin(view)
    if view.plan.score is None:
        return
    model = view.study.facts.get("model")
    if model is None:
        yield view.say("score_from"), view.say("score_column", column=view.plan.score.column)
    else:
        engine = view.known(f"engine_{model['engine']}", model["engine"])
        yield view.say("score_from"), view.say("score_trained", engine=engine, folds=model["folds"], seed=model["seed"], people=model["trained_on"])
        yield view.say("shipped"), view.say("shipped_said")
        yield view.say("features"), view.semicolons(_feature(view, name) for name in model["features"])
        if model.get("calibration", "none") != "none":
            yield view.say("calibrated"), view.say(f"calibrated_{model['calibration']}")
        if aucs := [value for value in model["fold_aucs"] if value is not None]:
            yield view.say("fold_aucs"), view.say("fold_aucs_said", low=min(aucs), high=max(aucs), folds=len(aucs))
    if view.plan.score.family is not None:
        yield view.say("family"), view.say(f"family_{view.plan.score.family}")
    if view.plan.score.horizon is not None:
        yield view.say("horizon"), view.say("horizon_said", days=view.plan.score.horizon)
    if view.plan.score.higher_is == "worse":
        yield view.say("direction"), view.say("higher_is_worse")


def _points(view: View) -> Iterator[Block]:
    yield view.heading("points", level=3)
    yield Paragraph(view.say("points"))
    columns = (
        Column(view.say("col_bin")),
        Column(view.say("col_points"), "count"),
        Column(view.say("people"), "count"),
        Column(view.say("col_good_share"), "percent"),
    )
    listed = tuple(
        Row((_bin(view, row), row["points"], row["count"], row["favourable_share"]), section=_feature(view, row["feature"]))
        for row in shown_points(view.study.facts["points"], view.threshold, view.say("withheld_cell"))
        if row["count"] != 0 or row["points"] != 0
    )
    yield TableBlock(view.say("caption_points"), columns, listed, view.say("note_points", threshold=view.threshold))


def shown_points(points: Sequence[Mapping[str, Any]], threshold: int, withheld: str) -> list[dict[str, Any]]:
    """Return the card with the counts of small bins withheld, and of one more of the same feature, which a total would give away."""
    listed = [dict(row) for row in points]
    for feature in dict.fromkeys(row["feature"] for row in listed):
        bins = sorted((row for row in listed if row["feature"] == feature and row["count"] > 0), key=lambda row: row["count"])
        small = sum(row["count"] < threshold for row in bins)
        for row in bins[: max(2, small) if small else 0]:
            row["count"] = row["favourable_share"] = withheld
    return listed


def _feature(view: View, name: str) -> str:
    return view.pick(view.plan.titles.get(name)) or _ours(view, name)


def _bin(view: View, row: Mapping[str, Any]) -> str:
    """Return a bin as the language writes numbers, where it is one of a column of numbers; the words of a file stay as they are."""
    word, column = _ours(view, row["bin"]), view.plan.columns.get(row["feature"])
    if column is None or column.type not in {ColumnType.INTEGER, ColumnType.NUMBER}:
        return word
    told = word.replace("<=", "≤").replace(">=", "≥").replace("..", "…")
    return re.sub(r"(?<=\d)\.(?=\d)", ",", told) if view.language == "fr" else told


def _ours(view: View, word: str) -> str:
    """Return a word of the card in the reader's language where it is one of ours."""
    return view.known(f"card_{word[1:-1]}", word) if word.startswith("(") and word.endswith(")") else word


def _ranking(view: View) -> Iterator[Block]:
    rows = view.tables.performance()
    if rows.empty:
        if view.plan.score is not None:
            yield Paragraph(view.say("no_outcome"))
        return
    yield view.heading("ranking", level=3)
    yield Paragraph(view.say("ranking_trained" if view.study.facts.get("model") else "ranking", confidence=view.plan.bounds.confidence))
    columns = (
        Column(view.say("col_group")),
        Column(view.say("col_good"), "count"),
        Column(view.say("col_bad"), "count"),
        Column(view.say("col_auc"), "ratio3"),
    )
    listed = tuple(
        Row(
            (view.level(row["group"]) or view.say("everybody"), row["good"], row["bad"], Estimate(row["auc"], row["low"], row["high"])),
            section=view.name(row["attribute"]),
        )
        for row in sorted(rows_of(rows), key=lambda row: view.places.get((row["attribute"], row["group"]), -1))
    )
    hidden = view.say("note_auc_withheld", threshold=view.threshold) if rows["good"].isna().any() else ""
    yield TableBlock(view.say("caption_auc"), columns, listed, f"{view.say('note_auc')} {hidden}".strip())
    if len(parts := calibration(view)):
        yield _calibration_figure(view, parts)


def calibration(view: View) -> pd.DataFrame:
    """Return the calibration in as many parts, up to ten, as leave each part large enough to be shown."""
    for parts in range(10, 1, -1):
        rows = view.tables.calibration(parts)
        if len(rows) and (rows["people"] >= view.threshold).all():
            return rows
    return view.tables.calibration().iloc[:0]


def _calibration_figure(view: View, rows: pd.DataFrame) -> Figure:
    lines = tuple(
        view.say("line_part", part=row["part"], score=row["from_score"], good=row["good"], people=row["people"], share=row["share"])
        for row in rows_of(rows)
    )
    svg = to_svg(plot_calibration(rows, language=view.language), "calibration")
    return Figure(svg, view.say("caption_calibration"), view.say("alternative_calibration", parts=len(rows)), lines)


def segments(view: View) -> Iterator[Block]:
    """Say who is in which segment, and who gets an offer at all."""
    rows = view.tables.segments()
    if rows.empty or view.plan.segments is None:
        return
    yield view.heading("segments")
    yield KeyValues(tuple(_segments_origin(view)))
    yield from _shares(view, rows)
    yield from _association(view)
    offers = view.tables.offers()
    if offers.empty:
        yield Paragraph(view.say("no_offers"))
        return
    yield view.heading("offers", level=3)
    yield Paragraph(view.say("offers", version=view.plan.segments.version))
    told = tuple(_offered(view, row) for row in rows_of(offers) if row["verdict"] != Verdict.WITHIN_TOLERANCE)
    yield Findings(told) if told else Paragraph(view.say("offers_all_within"))
    yield from verdict_tables(view, offers, view.say("offer_rate"))


def _offered(view: View, row: Mapping[str, Any]) -> Finding:
    return Finding(Verdict(row["verdict"]), sentence(row, view.plan.bounds, view.language, view.tables.titles))


def _segments_origin(view: View) -> Iterator[tuple[str, str]]:
    rule = view.plan.segments
    if rule is None:
        return
    yield view.say("segments_from"), _segments_rule(view, rule)
    if stability := view.study.facts.get("segments", {}).get("stability"):
        yield (
            view.say("segments_stability"),
            view.say(
                "segments_stability_said",
                **{name: stability[name] for name in ("mean", "low", "high", "level", "people")},
                replicates=len(stability["replicates"]),
            ),
        )
    if rule.offers:
        yield (
            view.say("offers_of"),
            "\n".join(view.say("offer_of", segment=one, offer=offer or view.say("no_offer")) for one, offer in sorted(rule.offers.items())),
        )


def _segments_rule(view: View, rule: Segments) -> str:
    """Say by which rule people are in their segments."""
    if rule.bands is not None:
        edges = view.study.facts.get("segments", {}).get("edges") or rule.bands.edges
        return view.say("segments_bands", edges=view.listed(view.number(edge, "plain") for edge in edges), names=view.listed(rule.bands.names))
    if (clustered := rule.kmeans or rule.mixture) is not None:
        kind = "segments_kmeans" if rule.mixture is None else "segments_mixture"
        return view.say(kind, count=clustered.segments, features=view.listed(clustered.features), seed=clustered.seed)
    if rule.rfm is not None:
        return view.say("segments_rfm", columns=view.listed(rule.rfm.columns.values()))
    if rule.tiers is not None:
        earned = view.listed(f"{name} ({view.number(points, 'plain')})" for name, points in rule.tiers.thresholds.items())
        return view.say("segments_tiers", column=rule.tiers.column, earned=earned, version=rule.tiers.version)
    return view.say("segments_column", column=rule.column)


def _shares(view: View, rows: pd.DataFrame) -> Iterator[Block]:
    """Return the share of each group in each segment, a few segments beside each other."""
    names = list(dict.fromkeys(rows["segment"]))
    pairs = zip(rows["attribute"], rows["group"], strict=True)
    groups = sorted(dict.fromkeys(pairs), key=lambda pair: view.places.get(pair, len(view.places)))
    held = {(row["attribute"], row["group"], row["segment"]): row for row in rows_of(rows)}
    for first in range(0, len(names), _WIDE):
        some = names[first : first + _WIDE]
        columns = (Column(view.say("col_group")), Column(view.say("people"), "count"), *(Column(_segment(view, one), "percent") for one in some))
        listed = []
        for attribute, group in groups:
            cells = [held.get((attribute, group, one)) for one in some]
            people = next((cell["trials"] for cell in cells if cell), None)
            listed.append(Row((view.level(group), people, *(cell["value"] if cell else None for cell in cells)), section=view.name(attribute)))
        yield TableBlock(view.say("caption_segments"), columns, tuple(listed))


def _segment(view: View, name: str) -> str:
    offers = view.plan.segments.offers if view.plan.segments else {}
    title = view.level(name)
    return view.say("segment_offer", segment=title, offer=offers[name] or view.say("no_offer")) if name in offers else title


def _association(view: View) -> Iterator[Block]:
    """Say how far groups and segments go together; the farthest group is not named, as it may be a small one."""
    rows = view.tables.association()
    if rows.empty:
        return
    columns = (Column(view.say("col_attribute")), Column(view.say("col_cramers_v"), "ratio"))
    listed = tuple(Row((view.name(row["attribute"]), row["cramers_v"])) for row in rows_of(rows))
    yield TableBlock(view.say("caption_association"), columns, listed, view.say("note_association"))
