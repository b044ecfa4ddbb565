"""What else a declaration asks, on a page of the dashboard: sentences, figures that the study publishes, in both languages."""

import dataclasses
import re

import numpy as np
import pandas as pd
import pytest

import scoring
from scoring.alternatives import Asked
from scoring.plan import Column, Membership, Population, Stage
from scoring.texts import say

pytest.importorskip("streamlit")
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning:streamlit"),  # its own use of asyncio and protobuf
    pytest.mark.filterwarnings("ignore::DeprecationWarning:altair"),  # its own use of narwhals
]
LANGUAGES = pytest.mark.parametrize("language", ["en", "fr"])
HEADINGS = ["conditional", "funnel", "amounts", "representation", "memberships", "selective", "score_groups"]
TOO_MUCH = {"fair", "unbiased", "compliant", "équitable", "conforme", "loyal"}
SOURCE, SHARES = "INSEE, Bilan 2025", "INSEE, Communes 2021 <b>*x*</b>"


def people(n=3000, *, lone=False):
    """Make people of whom women ask for longer loans; with `lone`, one person has a stratum of their own."""
    rng = np.random.default_rng(4)
    sex = rng.choice(["F", "M"], n).astype(object)
    short = rng.random(n) < np.where(sex == "F", 0.25, 0.75)
    band = np.where(short, "short", "long").astype(object)
    if lone:
        band[5] = "Strate Unique"
    reached = rng.choice(["yes", "no"], n, p=[0.8, 0.2])
    granted = np.where((reached == "yes") & (rng.random(n) < np.where(short, 0.8, 0.3) + 0.06 * (sex == "F")), "yes", "no")
    score = np.round(rng.normal(500, 60, n) - 30 * (sex == "F"))
    repaid = np.where((granted == "yes") | (rng.random(n) < 0.1), np.where(rng.random(n) < 0.5 + (score - 500) / 400, "good", "bad"), None)
    return pd.DataFrame({
        "sex": sex, "band": band, "p_a": np.where(rng.random(n) < 0.3, 0.8, 0.1), "cell": rng.choice([f"d{i}" for i in range(40)], n),
        "score": score, "reached": reached, "granted": granted, "repaid": repaid,
        "limit": np.where(granted == "yes", np.round(rng.lognormal(8, 0.5, n)), np.nan),
    })  # fmt: skip


def study_of(frame):
    study = scoring.audit(
        frame, decision="granted", favourable="yes", groups=["sex"], outcome="repaid", favourable_outcome="good", score="score", strata=["band"],
        funnel={"reached": ("reached", "yes")}, amounts=["limit"], memberships={"origin": {"a": "p_a"}}, cells={"origin": "cell"},
    )  # fmt: skip
    soft = {"origin": Membership(probabilities={"a": "p_a"}, cell="cell", source=SHARES, title={"en": "Origin", "fr": "Origine"})}
    further = {
        "population": {"sex": Population(shares={"F": 0.7, "M": 0.3}, source=SOURCE)},
        "memberships": soft,
        "funnel": (Stage(name="reached", column="reached", passes=("yes",), title={"en": "May be written to", "fr": "Peut être contacté"}),),
    }
    return dataclasses.replace(study, plan=study.plan.model_copy(update=further))


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    """Return a folder that holds a study which asks everything."""
    root = tmp_path_factory.mktemp("asked")
    study_of(people()).save(root / "further")
    return root


@pytest.fixture(scope="module")
def lone(tmp_path_factory):
    """Return a folder that holds a study with a stratum of one person."""
    root = tmp_path_factory.mktemp("lone")
    study_of(people(lone=True)).save(root / "further")
    return root


def published(root):
    return scoring.Study.load(root / "further").published()


def said(app):
    parts = [*app.title, *app.header, *app.subheader, *app.markdown, *app.caption, *app.info, *app.warning, *app.error]
    return "\n".join(part.value for part in parts).replace("\\", "")


def table(app, column):
    """Return the table of the page that has a column."""
    return next(frame.value for frame in app.dataframe if column in frame.value)


@LANGUAGES
def test_everything_asked_has_a_heading_and_a_table(seen, asked, language):
    app = seen(asked, language, "further")
    assert not app.exception
    assert [head.value for head in app.header] == [say(f"dossier_further.heading_{name}", language) for name in HEADINGS]
    assert len(app.dataframe) == len(HEADINGS) + 1  # both figures, and stratum by stratum
    assert not set(re.findall(r"\w+", said(app).lower())) & TOO_MUCH


@LANGUAGES
def test_both_figures_stand_in_one_row_and_the_caution_above_them(seen, asked, language):
    app, rows = seen(asked, language, "further"), published(asked).conditional(metrics=["selection_rate"])
    shown = table(app, "pooled_ratio")
    names = ["ratio_all", "ratio_low", "ratio_high", "pooled_ratio", "pooled_low", "pooled_high"]
    np.testing.assert_array_equal(shown[names].to_numpy(float), rows[[*["ratio"], *names[1:]]].to_numpy(float))
    rates = published(asked).rates(metrics=["selection_rate"])
    assert shown["trials"].tolist() == rates["trials"].tolist()
    assert say("strata.caution", language, by="band") in app.warning[0].value.replace("\\", "")
    assert "Simpson" in said(app)


@LANGUAGES
def test_the_funnel_is_what_the_study_publishes(seen, asked, language):
    shown, rows = table(seen(asked, language, "further"), "stage"), published(asked).funnel()
    assert shown["hits"].tolist() == rows["hits"].tolist()
    assert shown["trials"].tolist() == rows["trials"].tolist()
    assert {"en": "May be written to", "fr": "Peut être contacté"}[language] in set(shown["stage"])


@LANGUAGES
def test_an_estimate_by_probability_stands_between_its_bounds(seen, asked, language):
    app, rows = seen(asked, language, "further"), published(asked).memberships(["selection_rate"])
    shown = table(app, "value_lowest")
    names = ["value", "value_lowest", "value_highest", "ratio", "ratio_lowest", "ratio_highest"]
    np.testing.assert_array_equal(shown[names].to_numpy(float), rows[names].to_numpy(float))
    assert list(shown).index("value_lowest") == list(shown).index("value") + 1
    assert say("dashboard.short_bounds", language) in said(app)


@LANGUAGES
def test_sources_are_cited_letter_by_letter(seen, asked, language):
    app = seen(asked, language, "further")
    assert SOURCE in said(app)
    assert SHARES in said(app)
    assert not [part for part in (*app.markdown, *app.caption) if "<b>*x*</b>" in part.value]


@LANGUAGES
def test_bounds_over_unseen_outcomes_name_their_assumption(seen, asked, language):
    shown = table(seen(asked, language, "further"), "assumption")
    rows = published(asked).selective("none", ["true_positive_rate"])
    none = shown[shown["assumption"] == say("dossier_further.assumption_none", language)]
    np.testing.assert_array_equal(none[["ratio_lowest", "ratio_highest"]].to_numpy(float), rows[["ratio_lowest", "ratio_highest"]].to_numpy(float))
    assert len(shown) == 3 * len(none)


@LANGUAGES
def test_a_stratum_of_one_person_is_shown_nowhere(seen, lone, language):
    app = seen(lone, language, "further")
    assert not app.exception
    assert "Strate Unique" not in said(app)
    for frame in app.dataframe:
        assert not frame.value.astype(str).apply(lambda column: column.str.contains("Strate Unique")).to_numpy().any()
    assert "10" in say("dossier_further.by_stratum_withheld", language, threshold=10, names="")


@LANGUAGES
@pytest.mark.parametrize("folder", ["credit", "unscored", "worse", "small", "hostile"])
def test_the_page_opens_on_studies_that_ask_less(seen, request, folder, language):
    app = seen(request.getfixturevalue(folder), language, "further")
    assert not app.exception
    assert app.title[0].value == say("dashboard.page_further", language)
    if folder in {"unscored", "hostile"}:
        assert app.info[0].value == say("dashboard.further_none", language)


def test_the_french_page_holds_no_english_word(seen, asked):
    app = seen(asked, "fr", "further")
    tables = " ".join(str(cell) for frame in app.dataframe for cell in frame.value.astype(str).to_numpy().ravel())
    english = r"\b(the|of|and|with|from|people|groups?|others?|than|were|which|known|is|by|not|shown)\b"
    assert not re.findall(english, said(app).replace(SHARES, "") + tables)


@pytest.fixture(scope="module")
def searched(tmp_path_factory):
    """Return a folder that holds a study with a search for other ways to score."""
    frame = people(1500).dropna(subset="repaid")
    plan = scoring.audit(frame, groups=["sex"], decision="granted", favourable="yes", outcome="repaid", favourable_outcome="good", score="score").plan
    features = {name: Column(type="text", roles=frozenset(["feature"])) for name in ("band", "cell")}
    plan = plan.model_copy(update={"columns": {**plan.columns, **features}})
    root = tmp_path_factory.mktemp("searched")
    activity = scoring.ProcessingActivity.model_construct(study=plan)
    study = scoring.conduct_study(activity, frame, alternatives=Asked(families=("reweighing",), n_jobs=1))
    study.save(root / "further")
    return root


@LANGUAGES
def test_other_ways_to_score_are_told_and_listed(seen, searched, language):
    app = seen(searched, language, "further")
    assert not app.exception
    assert say("dossier_further.heading_alternatives", language) in [head.value for head in app.header]
    study = scoring.Study.load(searched / "further")
    shown, listed = table(app, "worst_ratio"), study.alternatives().query("baseline == True")
    assert listed["worst_ratio"].item() in shown["worst_ratio"].tolist()
    assert study.alternatives_findings(language)[0].split(":")[0] in said(app)
    assert not set(re.findall(r"\w+", said(app).lower())) & TOO_MUCH
