"""Each page, in both languages: it opens, and its figures are those that the study publishes."""

import re
import shutil

import numpy as np
import pytest

from scoring.fairness.narrative import headline
from scoring.launch import STUDIES, app_path, dashboard_command, launch
from scoring.study import Study
from scoring.texts import number, say
from scoring.vocabulary import Verdict

pytest.importorskip("streamlit")
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning:streamlit"),  # its own use of asyncio and protobuf
    pytest.mark.filterwarnings("ignore::DeprecationWarning:altair"),  # its own use of narwhals
]
LANGUAGES = pytest.mark.parametrize("language", ["en", "fr"])
PAGES = pytest.mark.parametrize("page", ["overview", "groups", "whatif"])
RATE = "selection_rate"


TOO_MUCH = {"fair", "unbiased", "compliant", "équitable", "conforme", "loyal"}
"""Words that would clear somebody: no page says them."""
OWN = {"people": "studied", "groups": "difference", "bounds": "ratio_lowest", "segments": "in_segment", "whatif": "at_most"}
"""A column that only this table has."""


def shown(app, name):
    """Return a table of the page."""
    if name == "offers":  # judged, but with fewer columns than the groups
        return next(frame.value for frame in app.dataframe if "verdict" in frame.value and OWN["groups"] not in frame.value)
    return next(frame.value for frame in app.dataframe if OWN[name] in frame.value)


def said(app):
    """Return all running text of a page, as it reads."""
    parts = [*app.title, *app.header, *app.subheader, *app.markdown, *app.caption, *app.info, *app.error]
    return "\n".join(part.value for part in parts).replace("\\", "")


def words_of(app):
    return set(re.findall(r"\w+", said(app).lower()))


def published(root, name="credit"):
    return Study.load(root / name).published()


def singles(tables, metric=RATE):
    rows = tables.judged(depth=1)
    return rows[rows["metric"] == metric].reset_index(drop=True)


@LANGUAGES
@PAGES
def test_a_page_opens_and_speaks_one_language(seen, credit, language, page):
    app = seen(credit, language, page)
    assert not app.exception
    assert app.title[0].value == say(f"dashboard.page_{page}", language)
    assert Study.load(credit / "credit").document["name"][language] in said(app)
    assert not words_of(app) & TOO_MUCH


@PAGES
@pytest.mark.parametrize(("folder", "language"), [("unscored", "fr"), ("worse", "en"), ("small", "fr")])
def test_a_page_opens_on_studies_of_other_kinds(seen, request, folder, language, page):
    app = seen(request.getfixturevalue(folder), language, page)
    assert not app.exception
    assert not words_of(app) & TOO_MUCH


# overview


@LANGUAGES
def test_the_tiles_are_the_headline(seen, credit, language):
    app, rows = seen(credit, language), published(credit).judged()
    main = rows[(rows["metric"] == RATE) & (rows["depth"] == 1)]
    wanted = {
        say(f"verdict.{verdict.value}", language): number(int((main["verdict"] == verdict.value).sum()), "count", language) for verdict in Verdict
    }
    found = {tile.label.split("] ", 1)[1]: tile.value for tile in app.metric}
    assert found == wanted


@LANGUAGES
def test_the_first_findings_are_those_of_the_study(seen, unscored, language):
    tables, app = published(unscored, "decisions"), seen(unscored, language)
    rows = tables.judged()
    excluded = [
        text
        for text, verdict in zip(tables.findings(language), rows[rows["under"].fillna("") == ""]["verdict"], strict=True)
        if verdict == "exclusion"
    ]
    assert excluded
    text = said(app)
    assert all(sentence in text for sentence in excluded)


@LANGUAGES
def test_no_exclusion_is_said_to_be_no_clearance(seen, credit, language):
    assert headline(published(credit).judged(), language, RATE)[0] in said(seen(credit, language))


@LANGUAGES
def test_what_was_not_measured_and_the_status_of_the_tolerance_are_said(seen, credit, language):
    text = said(seen(credit, language))
    for left_out in published(credit).plan.not_measured:
        assert left_out.why[language] in text
    assert "29 CFR 1607.4(D)" in text


@LANGUAGES
def test_legal_grounds_are_counted_as_the_law_and_the_dossier_count_them(seen, credit, language):
    """Of 25 grounds the sample measures one (age) and gives a reason for three: 21 are left, ethnicity, nation and race being three."""
    text = said(seen(credit, language))
    assert say("dashboard.silent", language, n=21) in {one.label for one in seen(credit, language).expander}
    assert all(say(f"criteria.{ground}", language) in text for ground in ("ethnicity", "nation", "race"))


def test_unknown_people_are_counted(seen, unscored):
    rows = shown(seen(unscored), "people").set_index("attribute")
    rates = published(unscored, "decisions").rates(by="sex", metrics=[RATE]).set_index("group")
    assert rows.loc["sex", "unknown"] == rates.loc["(unknown)", "trials"]
    assert rows.loc["sex", "studied"] == 3000


# groups


@LANGUAGES
def test_the_table_of_groups_is_what_the_study_publishes(seen, credit, language):
    table, rows = shown(seen(credit, language, "groups"), "groups"), singles(published(credit))
    names = ["hits", "trials", "value", "reference_value", "ratio", "ratio_low", "ratio_high", "shortfall", "needed"]
    np.testing.assert_array_equal(table[names].to_numpy(float), rows[names].to_numpy(float))
    assert [words.split(" ", 1)[1] for words in table["verdict"]] == [say(f"verdict.{verdict}", language) for verdict in rows["verdict"]]


def test_a_combination_and_one_of_its_groups_can_be_chosen(opened, unscored):
    app = opened(unscored, "en", "groups")
    app.selectbox(key="attribute").set_value("town x sex").run()
    rows = published(unscored, "decisions").judged()
    rows = rows[(rows["attribute"] == "town x sex") & (rows["metric"] == RATE)]
    assert shown(app, "groups")["hits"].tolist() == rows["hits"].tolist()
    app.selectbox(key="group").set_value("town x sex: south x F").run()
    assert not app.exception
    assert "sex: F" in app.selectbox(key="group").options[0]


@LANGUAGES
@pytest.mark.parametrize("metric", ["true_positive_rate", "false_positive_rate", "accuracy"])
def test_a_rate_without_a_verdict_is_described(opened, credit, language, metric):
    app = opened(credit, language, "groups")
    app.selectbox(key="metric").set_value(metric).run()
    assert not app.exception
    assert ("verdict" in shown(app, "groups")) == (metric == "true_positive_rate")
    rates = {row.value for row in published(credit).rates(metrics=[metric]).itertuples()}
    assert set(shown(app, "groups")["value"].dropna()) == rates


@LANGUAGES
def test_segments_and_offers_are_shown(seen, credit, language):
    app, tables = seen(credit, language, "groups"), published(credit)
    assert shown(app, "offers")["hits"].tolist() == tables.offers()["hits"].tolist()
    assert shown(app, "segments")["in_segment"].tolist() == tables.segments()["hits"].tolist()


def test_bounds_over_unknown_members_are_shown(seen, unscored):
    rows = published(unscored, "decisions").bounds()
    rows = rows[(rows["metric"] == RATE) & (rows["unknown"] > 0)]
    table = shown(seen(unscored, "en", "groups"), "bounds")
    np.testing.assert_array_equal(table[["ratio_lowest", "ratio_highest"]].to_numpy(), rows[["ratio_lowest", "ratio_highest"]].to_numpy())


# what if


@LANGUAGES
def test_moving_the_cutoff_shows_the_study_at_that_cutoff(opened, credit, language):
    app, tables = opened(credit, language, "whatif"), published(credit)
    app.selectbox(key="whatif_attribute").set_value("age band").run()
    for cutoff in (tables.cutoffs[40], tables.cutoffs[120]):
        app.select_slider[0].set_value(cutoff).run()
        rows = singles(tables.at_cutoff(cutoff))
        rows, table = rows[rows["attribute"] == "age band"], shown(app, "whatif")
        names = ["hits", "trials", "value", "reference_value", "ratio", "ratio_low", "ratio_high"]
        np.testing.assert_array_equal(table[names].to_numpy(float), rows[names].to_numpy(float))
        assert app.metric[0].value == number(rows["hits"].sum() / rows["trials"].sum(), "percent", language)


def test_the_what_if_starts_at_the_cutoff_of_the_study(seen, credit):
    assert seen(credit, "en", "whatif").select_slider[0].value == published(credit).cutoff


def test_true_counts_lie_between_the_two_that_are_shown(opened, credit):
    app, study = opened(credit, "en", "whatif"), Study.load(credit / "credit")
    app.selectbox(key="whatif_attribute").set_value("age band").run()
    for cutoff in study.published().cutoffs[5:180:50]:
        app.select_slider[0].set_value(cutoff).run()
        table = shown(app, "whatif").set_index("named")
        truth = study.at_cutoff(cutoff).rates(by="age band", metrics=[RATE]).set_index("group")["hits"].reindex(table.index)
        assert (table["hits"] <= truth).all()
        assert (truth <= table["at_most"]).all()


def test_no_verdict_is_given_where_steps_blur_more_than_chance(opened, credit):
    app, tables = opened(credit, "en", "whatif"), published(credit)
    app.select_slider[0].set_value(tables.cutoffs[-3]).run()
    table, rows = shown(app, "whatif"), singles(tables.at_cutoff(tables.cutoffs[-3]))
    blurred = (table["at_most"] / table["trials"]).to_numpy() > rows[rows["attribute"] == "age"]["high"].to_numpy()
    assert blurred.any()
    assert table["verdict"].str.contains("too coarse").tolist() == blurred.tolist()


def test_a_study_without_a_score_says_that_there_is_no_cutoff(seen, unscored):
    app = seen(unscored, "fr", "whatif")
    assert not app.select_slider
    assert say("dashboard.no_score", "fr") in said(app)


def test_a_score_of_which_less_is_better_is_cut_the_right_way_round(opened, worse):
    app, tables = opened(worse, "en", "whatif"), published(worse, "risk")
    assert app.select_slider[0].value == 30
    app.select_slider[0].set_value(10.0).run()
    assert shown(app, "whatif")["value"].tolist() == singles(tables.at_cutoff(10.0))["value"].tolist()
    assert max(shown(app, "whatif")["value"]) < 0.25


# studies on the shelf


@LANGUAGES
def test_a_damaged_study_is_listed_and_not_opened(opened, damaged, language):
    app = opened(damaged, language)
    assert app.title[0].value == say("dashboard.page_overview", language)  # the good one is open
    assert any("altered" in option for option in app.selectbox(key="study").options)
    app.selectbox(key="study").set_value("altered").run()
    assert not app.exception
    assert app.title[0].value == say("dashboard.refused_title", language)
    assert "cells.parquet: changed in bytes" in said(app)
    assert not app.metric


def test_damage_that_comes_later_is_found(opened, credit, tmp_path):
    shutil.copytree(credit, tmp_path, dirs_exist_ok=True)
    app = opened(tmp_path)
    (tmp_path / "credit" / "study.json").write_text("{}")
    app.run()
    assert app.title[0].value == say("dashboard.refused_title", "en")


@LANGUAGES
def test_an_empty_folder_says_how_to_make_a_study(opened, tmp_path, language):
    app = opened(tmp_path, language)
    assert not app.exception
    assert "equiscore study" in said(app)


def test_the_folder_may_be_a_study_itself_and_an_address_keeps_the_language(opened, credit):
    app = opened(credit / "credit", "en", lang="fr", study="credit")
    assert app.title[0].value == say("dashboard.page_overview", "fr")


def test_a_group_of_three_is_never_shown(opened, unscored):
    seen = 0
    for page in ("overview", "groups", "whatif"):
        app = opened(unscored, "en", page)
        for what in app.selectbox(key="attribute").options if page == "groups" else [None]:
            if what is not None:
                app.selectbox(key="attribute").select(what).run()
                assert not app.exception
                assert not {"town: tiny", "tiny"} & {part for option in app.selectbox(key="group").options for part in option.split("; ")}
            for table in (frame.value for frame in app.dataframe):
                if "trials" in table:
                    seen += 1
                    assert (table["trials"].isna() | (table["trials"] == 0) | (table["trials"] >= 10)).all()
                assert not table.get("named", table.iloc[:, 0]).astype(str).str.fullmatch(r"(town: )?tiny").any()
    assert seen


def test_labels_that_try_to_be_markup_are_shown_letter_by_letter(opened, hostile):
    tables, app = published(hostile, "labels"), opened(hostile, "en", "groups")
    groups = tables.plan.groups
    labels = tables.judged()["group"].tolist()
    assert sorted(shown(app, "groups")["named"].str.removeprefix(f"{next(iter(groups))}: ")) == sorted(labels)
    for label in labels:
        app.selectbox(key="group").set_value(f"{next(iter(groups))}: {label}").run()
        assert not app.exception
        sentence = next(part.value for part in app.markdown if "were selected" in part.value)
        assert all(f"\\{mark}" in sentence for mark in "<*$`|[{" if mark in label)
        assert label.replace("\\", "") in said(app)


# starting it


def test_the_command_is_whole_and_finds_the_app(tmp_path):
    command = dashboard_command(tmp_path, 8600, headless=True)
    assert app_path().is_file()
    assert command[1:5] == ["-m", "streamlit", "run", str(app_path())]
    assert command[-1] == str(tmp_path)


@pytest.mark.parametrize(
    ("folder", "port", "what"), [("absent", 8501, "no such folder"), (".", 0, "Port 0 does not exist")], ids=["no folder", "no port"]
)
def test_what_cannot_be_started_is_refused_with_a_fix(tmp_path, folder, port, what):
    with pytest.raises(Exception, match=rf"{what}.*Fix:"):
        launch(tmp_path / folder, port=port)


def test_without_streamlit_the_fix_is_the_extra(tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "streamlit" else object())
    with pytest.raises(Exception, match=r"equiscore\[dashboard\]"):
        launch(tmp_path)


def test_launching_hands_the_studies_to_the_app(tmp_path, monkeypatch):
    ran = {}
    monkeypatch.setattr("subprocess.run", lambda command, **given: ran.update(given, command=command) or type("Done", (), {"returncode": 0})())
    assert launch(tmp_path, port=8600, headless=True) == 0
    assert ran["env"][STUDIES] == str(tmp_path)
    assert "--server.headless=true" in ran["command"]
