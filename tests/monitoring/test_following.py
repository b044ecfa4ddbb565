"""D17 in the dossier: what is declared and recorded is shown, what is not is missing; both languages; hostile words stay words."""

import re
from dataclasses import replace

import pytest

from scoring.dossier.document import Bullets, Callout, Document, Heading, KeyValues, Paragraph, TableBlock, numbered
from scoring.dossier.formats.markdown import markdown
from scoring.dossier.parts.declared.following import following
from scoring.dossier.view import View
from scoring.monitoring.comparison import compare
from scoring.monitoring.running import kept
from scoring.monitoring.schedule import Thresholds
from scoring.monitoring.triggers import triggers
from tests.monitoring.conftest import ACTIVITY, SCHEDULE, people, study

LANGUAGES = pytest.mark.parametrize("language", ["en", "fr"])
ENGLISH = r"\b(the|of|and|with|from|people|group|than|were|which|known|is|to|by|not|shown|under|rate|study|fired)\b"
DECLARED = ACTIVITY | {
    "assessment": {"monitoring": {"every_months": 6, "stop": {"en": "The head stops it.", "fr": "La direction l'arrête."}}},
    "review": {"signers": [{"name": "Zoé Blanc", "role": "dpo"}, {"name": "Paul Roux", "role": "controller"}]},
}
SCHEDULED = SCHEDULE | {"triggers": Thresholds().model_dump(), "days": []}
RECORD = {
    "opinions": [{"kind": "dpo", "by": "Zoé Blanc", "at": "2026-01-02", "favourable": True, "text": "ok"}],
    "reviews": [{"by": "Ana Lopez", "role": "model_reviewer", "outcome": "reservations", "text": "x", "at": "2026-01-03", "digest": "d"}],
    "signatures": [{"by": "Zoé Blanc", "role": "dpo", "at": "2026-01-04", "file_sha256": "f"}],
    "incidents": [{"at": "2026-03-01", "what": "Score inversé", "people": 12, "done": "Repris", "closed_at": None}],
    "deviations": [{"at": "2026-04-01", "what": "Autre seuil", "decided": "Retour", "by": "Paul Roux"}],
    "schedule": SCHEDULED,
    "launched": "2026-02-01",
}


@pytest.fixture(scope="module")
def signed():
    return replace(study(people(3000, seed=1)), document=DECLARED, digest="abcdef" * 10 + "0123")


def shown(studied, language, record=None):
    return tuple(following(View.of(studied, language, record)))


def text_of(blocks, language):
    return markdown(Document("t", language, numbered(blocks, language))).decode()


@LANGUAGES
def test_what_is_declared_and_recorded_is_shown(signed, language):
    text = text_of(shown(signed, language, RECORD), language)
    words = ["Paul Roux", "Score inversé", "Autre seuil", "0.25" if language == "en" else "0,25"]
    assert all(word in text for word in words)
    assert ("31 January 2026" if language == "en" else "31 janvier 2026") in text
    assert ("1 February 2026" if language == "en" else "1er février 2026") in text


@LANGUAGES
def test_only_what_is_not_recorded_is_missing(signed, language):
    missing = [block for block in shown(signed, language, RECORD) if isinstance(block, Callout) and block.missing]
    assert [item for block in missing for item in block.items if "Paul Roux" in item]
    assert sum(len(block.items) for block in missing) == 1


@LANGUAGES
def test_of_nothing_declared_everything_is_missing_and_nothing_invented(signed, language):
    blocks = shown(replace(signed, document=ACTIVITY, digest=None), language)
    missing = [item for block in blocks if isinstance(block, Callout) for item in block.items]
    assert len(missing) == 5  # signers, rhythm, triggers, incidents, departures; who stops the score is asked for in D14
    assert all(block.missing for block in blocks if isinstance(block, Callout))
    assert not any(isinstance(block, TableBlock) for block in blocks)


def test_an_audit_without_a_declaration_says_nothing(signed):
    assert shown(replace(signed, document=None), "en", RECORD) == ()


def test_an_empty_log_is_no_proof_that_nothing_happened(signed):
    text = text_of(shown(signed, "en", {"incidents": [], "deviations": []}), "en")
    assert text.count("does not show that there was none") == 2


@LANGUAGES
def test_headings_are_of_level_3_and_tables_have_captions(signed, language):
    blocks = shown(signed, language, RECORD)
    assert all(block.level == 3 for block in blocks if isinstance(block, Heading))
    assert all(block.caption for block in blocks if isinstance(block, TableBlock))
    anchors = [block.anchor for block in blocks if isinstance(block, Heading)]
    assert len(set(anchors)) == len(anchors)


@LANGUAGES
def test_the_last_comparison_is_told(signed, language):
    held = compare(signed, replace(study(people(3000, seed=2, women=0.3)), document=DECLARED), shared="none")
    monitoring = kept(held, triggers(held, Thresholds())) | {"day": "2026-07-01"}
    blocks = shown(signed, language, RECORD | {"monitoring": monitoring})
    table = next(block for block in blocks if isinstance(block, TableBlock) and len(block.columns) == 6)
    assert table.rows[0].cells[3] == {"en": "fired", "fr": "atteint"}[language]
    assert any(isinstance(block, Bullets) for block in blocks)
    if language == "fr":
        said = [part for block in blocks for part in words_of(block)]
        assert not [part for part in said if re.search(ENGLISH, part)]


def words_of(block):
    if isinstance(block, TableBlock):
        return [
            block.caption,
            block.note,
            *(one.title for one in block.columns),
            *(str(cell) for row in block.rows for cell in (*row.cells, row.remark)),
        ]
    if isinstance(block, KeyValues):
        return [word for pair in block.items for word in pair]
    if isinstance(block, Bullets | Callout):
        return list(block.items)
    return [block.text] if isinstance(block, Paragraph | Heading) else []


@pytest.mark.parametrize("word", ["<script>x</script>", "=1+1", "#let x = 1", "{{7*7}}", "\u202eabc", "العربية 😀", "x" * 10_000, "", None, 7])
def test_hostile_words_of_the_register_stay_words(signed, word):
    record = {"incidents": [{"at": word, "what": word, "people": word}], "deviations": [{"what": word}], "reviews": [{"by": word, "outcome": word}]}
    blocks = shown(signed, "en", record)
    assert "<script>x" not in text_of(blocks, "en")
