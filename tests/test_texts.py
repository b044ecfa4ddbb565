"""Both languages say the same: the same keys, the same fields, written the same way."""

import re
import string
from importlib import resources
from pathlib import Path

import pytest
import yaml

from scoring.texts import LANGUAGES, say
from scoring.vocabulary import Criterion, LegalBasis, Verdict

TEXTS = Path(str(resources.files("scoring.texts")))
ROOMS = sorted({path.stem for path in TEXTS.glob("*/*.yaml")})
OTHERS = [language for language in LANGUAGES if language != "en"]
TOO_MUCH = {
    "en": r"\b(fair|unfair|fairly|fairness|unbiased|debias\w*|compliant|compliance)\b|no bias|without bias",
    "fr": r"équitable|inéquitable|sans biais|non biaisé|\bconforme|\bconformité",
}


def room(language, name):
    path = TEXTS / language / f"{name}.yaml"
    return yaml.safe_load(path.read_text(encoding="utf-8")) if path.is_file() else {}


def fields(text):
    return sorted((name, spec) for _, name, spec, _ in string.Formatter().parse(str(text)) if name is not None)


@pytest.mark.parametrize("language", OTHERS)
@pytest.mark.parametrize("name", ROOMS)
def test_both_languages_have_the_same_keys(name, language):
    assert set(room(language, name)) == set(room("en", name))


@pytest.mark.parametrize("language", OTHERS)
@pytest.mark.parametrize("name", ROOMS)
def test_both_languages_put_in_the_same_numbers_written_the_same_way(name, language):
    english, other = room("en", name), room(language, name)
    differ = {
        key: (fields(english[key]), fields(other[key])) for key in english if key in other and set(fields(english[key])) != set(fields(other[key]))
    }
    assert not differ


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", ROOMS)
def test_no_text_promises_what_no_tool_can_give(name, language):
    assert not [text for text in map(str, room(language, name).values()) if re.search(TOO_MUCH[language], text, re.IGNORECASE)]


@pytest.mark.parametrize("name", ["dossier", "plots"])
def test_french_puts_a_narrow_blank_before_double_signs(name):
    without_fields = {key: re.sub(r"\{[^}]*\}", "x", str(text)) for key, text in room("fr", name).items()}
    wrong = {key: text for key, text in without_fields.items() if re.search(r"[^\u202f][;?!»](?!\w)|[^\u202f\d]:(?=\s|$)|«[^\u202f]| %", text)}
    wrong.pop("semicolon", None)
    assert not wrong


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_word_of_the_vocabulary_has_a_text(language):
    keys = [f"criterion.{criterion.value}" for criterion in Criterion] + [f"dossier.basis_{basis.value}" for basis in LegalBasis]
    keys += [f"verdict.{prefix}{verdict.value}" for verdict in Verdict for prefix in ("", "explain_")]
    assert all(say(key, language) for key in keys)
