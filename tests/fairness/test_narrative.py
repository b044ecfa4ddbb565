"""Every sentence is made from the signed numbers, word by word, in both languages; none clears anybody."""

import re

import numpy as np
import pandas as pd
import pytest
import yaml

import scoring
from scoring.bounds import Bounds
from scoring.fairness.narrative import headline, sentence, what, who, whom
from scoring.texts import LANGUAGES

NAN = float("nan")
ROW = {
    "attribute": "sex", "group": "F", "metric": "selection_rate", "reference": "rest", "verdict": "exclusion", "zero": False, "reasons": (),
    "folded": "", "hits": 1200.0, "trials": 3000.0, "value": 0.4, "reference_value": 0.6, "ratio": 0.6666666666666666, "ratio_low": 0.63,
    "ratio_high": 0.7, "shortfall": 600.0, "shortfall_low": 530.0, "shortfall_high": 670.0, "expected_hits": 1800.0, "ratio_to_best": 0.66,
    "refusal_ratio": 1.5, "needed": NAN, "family": 5.0, "unobserved": 0.0,
}  # fmt: skip

CASES = {
    "exclusion": (
        {},
        ("Exclusion is shown. sex: F: 1,200 of 3,000 were selected (40.0%), against 60.0% of everybody else whose group is known. The ratio is"
         " 0.67 (95% interval 0.63 to 0.70), below the tolerance of 0.80, and chance does not explain it. About 600 people (530 to 670) are "
         "short of the rate of everybody else whose group is known."),
        ("Une exclusion est établie. sexe : F : 1~200 sur 3~000 ont été retenus (40,0~%), contre 60,0~% pour toutes les autres personnes dont "
         "le groupe est connu. Le rapport est de 0,67 (intervalle à 95~% : 0,63 à 0,70), sous la tolérance de 0,80, et le hasard ne l'explique"
         " pas. Il manque environ 600 personnes (530 à 670) pour atteindre le taux de toutes les autres personnes dont le groupe est connu."),
    ),
    "leaning, not short by the interval": (
        {
            "verdict": "leaning", "hits": 14.0, "trials": 25.0, "value": 0.56, "reference_value": 0.8, "ratio": 0.7, "ratio_low": 0.45,
            "ratio_high": 0.93, "shortfall": 6.0, "shortfall_low": -1.2, "shortfall_high": 11.0, "reasons": ("needed",), "needed": 130.0,
            "reference": "M",
        },
        ("The data lean to exclusion, without settling it. sex: F: 14 of 25 were selected (56.0%), against 80.0% of the group M. The ratio is "
         "0.70 (95% interval 0.45 to 0.93); the tolerance is 0.80. About 6 people (0 to 11) may be short of the rate of the group M. If the "
         "rates seen are the true ones, 130 more people of the group would settle it (80% power)."),
        ("Les données penchent vers une exclusion, sans trancher. sexe : F : 14 sur 25 ont été retenus (56,0~%), contre 80,0~% pour le groupe "
         "M. Le rapport est de 0,70 (intervalle à 95~% : 0,45 à 0,93) ; la tolérance est de 0,80. Il manque peut-être 6 personnes (0 à 11) "
         "pour atteindre le taux du groupe M. Si les taux observés sont les vrais, 130 personnes de plus dans le groupe trancheraient "
         "(puissance 80~%)."),
    ),
    "undetermined": (
        {
            "verdict": "undetermined", "ratio": 1.25, "ratio_low": 0.7, "ratio_high": np.inf, "value": 0.75, "reasons": ("small",),
        },
        ("Exclusion cannot be ruled out. sex: F: 1,200 of 3,000 were selected (75.0%), against 60.0% of everybody else whose group is known. "
         "The ratio is 1.25 (95% interval 0.70 to ∞); the tolerance is 0.80. Fewer than 30 people: too few to be shown within tolerance."),
        ("Une exclusion ne peut pas être écartée. sexe : F : 1~200 sur 3~000 ont été retenus (75,0~%), contre 60,0~% pour toutes les autres "
         "personnes dont le groupe est connu. Le rapport est de 1,25 (intervalle à 95~% : 0,70 à ∞) ; la tolérance est de 0,80. Moins de 30 "
         "personnes : trop peu pour établir que la tolérance est respectée."),
    ),
    "within tolerance": (
        {
            "verdict": "within tolerance", "ratio": 0.9, "ratio_low": 0.86, "ratio_high": 0.94, "reasons": ("smaller_difference",),
        },
        ("Shown to be within the tolerance. sex: F: 1,200 of 3,000 were selected (40.0%), against 60.0% of everybody else whose group is "
         "known. The ratio is 0.90 (95% interval 0.86 to 0.94); the tolerance is 0.80. A difference smaller than the tolerance is shown."),
        ("La tolérance est respectée, preuve à l'appui. sexe : F : 1~200 sur 3~000 ont été retenus (40,0~%), contre 60,0~% pour toutes les "
         "autres personnes dont le groupe est connu. Le rapport est de 0,90 (intervalle à 95~% : 0,86 à 0,94) ; la tolérance est de 0,80. Une "
         "différence plus petite que la tolérance est établie."),
    ),
    "nobody favoured": (
        {
            "zero": True, "hits": 0.0, "trials": 60.0, "value": 0.0, "reference_value": 0.1, "ratio": 0.0, "ratio_high": 0.55,
            "expected_hits": 6.0, "reasons": ("zero", "exact"),
        },
        ("Nobody was favoured. sex: F: 0 of 60 were selected, where 6.0 would be at the rate of everybody else whose group is known (10.0%). "
         "The verdict is: exclusion. The ratio is 0.00, at most 0.55 (95% interval). Exact test, as few people are concerned."),
        ("Personne n'a été favorisé. sexe : F : 0 sur 60 ont été retenus, alors que 6,0 le seraient au taux de toutes les autres personnes dont"
         " le groupe est connu (10,0~%). Le verdict est : exclusion. Le rapport est de 0,00, au plus 0,55 (intervalle à 95~%). Test exact, car"
         " peu de personnes sont concernées."),
    ),
    "not applicable": (
        {
            "verdict": "not applicable", "group": "X", "hits": 0.0, "trials": 0.0, "value": NAN, "reasons": ("absent",),
        },
        ("The question cannot be asked. sex: X: 0 of 0 were selected. Declared as part of the population, but nobody in the file is in it."),
        ("La question ne peut pas être posée. sexe : X : 0 sur 0 ont été retenus. Déclaré comme partie de la population, mais personne du "
         "fichier n'en fait partie."),
    ),
    "folded": (
        {
            "verdict": "not applicable", "group": "(small groups)", "folded": "X, Y", "hits": 0.0, "trials": 12.0, "value": 0.0, "zero": True,
            "reasons": ("folded",), "reference": NAN,
        },
        ("Too small to be shown alone. sex: (small groups) (joined: X, Y): 0 of 12 were selected (0.0%)."),
        ("Trop petit pour être montré seul. sexe : (petits groupes) (réunis : X, Y) : 0 sur 12 ont été retenus (0,0~%)."),
    ),
}  # fmt: skip
"""Changes to ROW, and what is said; ~ is the narrow blank that no line may break at."""


@pytest.mark.parametrize(("changes", "english", "french"), CASES.values(), ids=CASES)
def test_a_finding_is_said_word_by_word(changes, english, french):
    titles = {"sex": {"fr": "sexe", "en": "sex"}}
    assert sentence(ROW | changes, Bounds(), "en", titles) == english
    assert sentence(ROW | changes, Bounds(), "fr", titles) == french.replace("~", "\u202f")


@pytest.mark.parametrize(
    ("row", "language", "said"),
    [
        pytest.param({"attribute": "sex x age", "group": "F x 66+"}, "en", "sex: F; age: 66+", id="a combination, part by part"),
        pytest.param({"attribute": "sex x age", "group": "(unknown)"}, "en", "sex x age: (unknown)", id="unknown in any of them"),
        pytest.param({"attribute": "sex", "group": "(unknown)"}, "fr", "sex : (inconnu)", id="our own levels in the reader's language"),
    ],
)
def test_who_is_spoken_of(row, language, said):
    assert who(row, language) == said


@pytest.mark.parametrize(
    ("row", "said"),
    [
        pytest.param({"reference": "rest", "group": "F"}, "everybody else whose group is known", id="the rest"),
        pytest.param({"reference": "rest", "group": "(unknown)"}, "everybody whose group is known", id="the unknown are in no rest"),
        pytest.param({"reference": "M", "group": "F"}, "the group M", id="a named group"),
    ],
)
def test_against_whom(row, said):
    assert whom(row, "en") == said


def test_a_metric_without_a_verb_of_its_own_is_counted_by_name():
    assert (what("accuracy", "en"), what("accuracy", "fr")) == ("counted for the accuracy", "comptés pour : exactitude")


def rows_of(*verdicts):
    rows = [{"metric": "selection_rate", "verdict": verdict, "depth": depth, "under": under} for verdict, depth, under in verdicts]
    return pd.DataFrame(rows, columns=["metric", "verdict", "depth", "under"])


def test_the_headline_counts_single_groups_and_combinations_and_no_part_twice():
    parts = [("exclusion", 2, "sex: F"), ("exclusion", 3, "sex: F")]
    rows = rows_of(("exclusion", 1, ""), ("exclusion", 2, ""), *parts, ("leaning", 1, ""), ("leaning", 1, ""), ("within tolerance", 1, ""))
    assert headline(rows, "en", "selection_rate") == [
        "Exclusion is shown for 1 group and 1 combination of groups.",
        "2 more combinations are excluded as parts of these groups; they are counted here and not listed again.",
        "The data lean to exclusion, without settling it, for 2 groups.",
        "Shown to be within the tolerance: 1 group.",
    ]


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "Exclusion is shown for no group. That is not a clearance: what is open stands below."),
        ("fr", "Aucune exclusion n'est établie. Ce n'est pas un quitus : ce qui reste ouvert est dit plus bas."),
    ],
)
def test_no_exclusion_shown_is_no_clearance(language, said):
    assert headline(rows_of(("undetermined", 1, "")), language, "selection_rate")[0] == said


def test_the_sentences_of_a_study_stand_in_the_order_of_its_verdicts():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"sex": rng.choice(["F", "M", None], 400), "age": rng.choice(["a", "b"], 400)})
    frame["ok"] = rng.binomial(1, np.where(frame["sex"] == "F", 0.2, 0.6))
    study = scoring.audit(frame, groups=["sex", "age"], decision="ok", favourable=1)
    for language in LANGUAGES:
        said = study.findings(language)
        rows = study.judged()
        rows = rows[rows["under"] == ""]
        assert [text for text, group in zip(said, rows["group"], strict=True) if "F" in group and "F" not in text] == []
        assert not any(re.search(r"{|\bnan\b|\bNone\b", text) for text in said)


FORBIDDEN = re.compile(
    r"\b(fair|unfair|fairness|unbiased|bias[- ]free|no bias|compliant|equitable|équitable|équité|sans biais|non biaisé|conforme|juste)\b",
    re.IGNORECASE,
)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_says_fair_unbiased_compliant_or_equitable(language):
    from importlib import resources

    rooms = [file for file in (resources.files("scoring.texts") / language).iterdir() if file.name.endswith(".yaml")]
    assert {"because.yaml", "narrative.yaml", "verdict.yaml"} <= {room.name for room in rooms}
    found = [
        (room.name, key, text)
        for room in rooms
        for key, text in yaml.safe_load(room.read_text(encoding="utf-8")).items()
        if FORBIDDEN.search(str(text))
    ]
    assert found == []


def test_both_languages_say_the_same_things_with_the_same_numbers():
    from importlib import resources

    fields = re.compile(r"{[^}]+}")
    for room in ("because", "narrative", "verdict"):
        one, other = (
            yaml.safe_load((resources.files("scoring.texts") / language / f"{room}.yaml").read_text(encoding="utf-8")) for language in LANGUAGES
        )
        assert one.keys() == other.keys()
        assert {key: sorted(set(fields.findall(one[key]))) for key in one} == {key: sorted(set(fields.findall(other[key]))) for key in other}
