"""What else a declaration asks is in the dossier: sentences, numbers with their n, sources; only what may be published; in both languages."""

import dataclasses
import io
import re

import numpy as np
import openpyxl
import pandas as pd
import pytest

import scoring
from scoring.dossier import FORMATS
from scoring.dossier.document import Bullets, Callout, Code, Estimate, Figure, Findings, Heading, KeyValues, OutOf, Paragraph, TableBlock
from scoring.dossier.formats.markdown import markdown
from scoring.plan import Membership, Population, Stage
from scoring.texts import number, say
from scoring.vocabulary import Criterion, Verdict
from tests.dossier.once import Files, written
from tests.dossier.once import composed as compose

LANGUAGES = pytest.mark.parametrize("language", ["en", "fr"])
ANCHORS = ["conditional", "funnel", "amounts", "representation", "memberships", "selective", "score-groups"]
SOURCE = "INSEE, Bilan démographique 2025, tableau 3"
SHARES = "INSEE, Immigrés par commune, 2021"
TOO_MUCH = {
    "en": r"\b(fair|unfair|fairly|fairness|unbiased|debias\w*|compliant|compliance)\b|no bias|without bias",
    "fr": r"équitable|inéquitable|sans biais|non biaisé|\bconforme|\bconformité",
}
ENGLISH = r"\b(the|of|and|with|from|people|group|groups|others?|than|were|which|known|is|to|by|not|stage|shown|under|rate)\b"


def made(n=3000, seed=4, *, words=("F", "M", "short", "long", "post")):
    """Make people of whom women get less because they ask for longer loans, and more of each kind."""
    rng = np.random.default_rng(seed)
    women, men, short, long, _ = words
    sex = rng.choice([women, men], n).astype(object)
    sex[:40] = None
    band = np.where(sex == women, rng.choice([short, long], n, p=[0.25, 0.75]), rng.choice([short, long], n, p=[0.75, 0.25]))
    score = np.round(rng.normal(500, 60, n) - 30 * (sex == women))
    reached = rng.choice(["yes", "no"], n, p=[0.8, 0.2])
    odds = np.where(band == short, 0.8, 0.3) + np.where(sex == women, 0.1, 0)
    granted = np.where((reached == "yes") & (rng.random(n) < odds), "yes", "no")
    repaid = np.where((granted == "yes") | (rng.random(n) < 0.1), np.where(rng.random(n) < 0.5 + (score - 500) / 400, "good", "bad"), None)
    return pd.DataFrame({
        "sex": sex, "band": band, "p_a": np.where(rng.random(n) < 0.3, 0.8, 0.1), "cell": rng.choice([f"d{i}" for i in range(40)], n),
        "score": score, "reached": reached, "granted": granted, "repaid": repaid,
        "limit": np.where(granted == "yes", np.round(rng.lognormal(8, 0.5, n)), np.nan),
    })  # fmt: skip


def studied(frame, *, shares=None, stage="reached", source=SOURCE, title=None, groups=("sex",), **given):
    study = scoring.audit(
        frame, decision="granted", favourable="yes", groups=list(groups), outcome="repaid", favourable_outcome="good", score="score", strata=["band"],
        funnel={stage: ("reached", "yes")}, amounts=["limit"], memberships={"origin": {"a": "p_a"}}, cells={"origin": "cell"}, **given,
    )  # fmt: skip
    named = {"en": "May be written to", "fr": "Peut être contacté"} if title is None else {"en": title, "fr": title}
    population = {"sex": Population(shares=shares or {"F": 0.7, "M": 0.3}, source=source)}
    soft = {
        "origin": Membership(
            probabilities={"a": "p_a"},
            cell="cell",
            source=SHARES,
            criterion=Criterion.ORIGIN,
            title={"en": "Origin (by place)", "fr": "Origine (lieu)"},
        )
    }
    steps = (Stage(name=stage, column="reached", passes=("yes",), title=named),)
    return dataclasses.replace(study, plan=study.plan.model_copy(update={"population": population, "memberships": soft, "funnel": steps}))


@pytest.fixture(scope="module")
def asked():
    """Return a study that asks everything; its ratio turns round within strata."""
    return studied(made())


@pytest.fixture(scope="module")
def narrow():
    """Return one with a stratum of one person, a level of three people, and a group of twelve of whom two got through and had an amount."""
    frame = made()
    frame["band"] = frame["band"].astype(object)
    frame.loc[5, "band"] = "Strate Unique"
    town = np.random.default_rng(1).choice(["north", "south"], len(frame)).astype(object)
    town[:3], town[10:18], town[60:72] = "Île Minuscule", "hameau", "west"
    frame["town"] = town
    few = frame.index[60:72]
    frame.loc[few, "reached"], frame.loc[few, "granted"], frame.loc[few, "limit"] = "no", "no", np.nan
    frame.loc[few[:2], ["reached", "granted"]] = "yes"
    frame.loc[few[:2], "limit"] = [123456.0, 123458.0]
    frame.loc[few, "score"] = np.arange(871.0, 883.0)
    return studied(frame, groups=["sex", "town"])


def cells(study, language):
    book = openpyxl.load_workbook(io.BytesIO(written(study, language, "xlsx")))
    return {sheet.title: [list(row) for row in sheet.iter_rows(values_only=True)] for sheet in book}


def texts(study, language):
    """Return all that is said, in every format."""
    book = "\n".join(str(cell) for rows in cells(study, language).values() for row in rows for cell in row if cell is not None)
    return {"html": written(study, language, "html").decode(), "md": written(study, language, "md").decode(), "xlsx": book}


def section(document, anchor):
    """Return the blocks of a section."""
    blocks = list(document.blocks)
    start = next(place for place, block in enumerate(blocks) if isinstance(block, Heading) and block.anchor == anchor)
    level = blocks[start].level
    later = (place for place, block in enumerate(blocks[start + 1 :], start + 1) if isinstance(block, Heading) and block.level <= level)
    return blocks[start : next(later, len(blocks))]


def of(blocks, kind):
    return [block for block in blocks if isinstance(block, kind)]


def said(blocks):
    """Return the running text of blocks."""
    lists = [one.text if hasattr(one, "text") else one for block in of(blocks, Bullets | Callout | Findings) for one in block.items]
    return "\n".join([*(block.text for block in of(blocks, Paragraph)), *lists])


# everything, in both languages


def shape(document):
    return [(type(block).__name__, len(getattr(block, "rows", getattr(block, "items", ())))) for block in document.blocks]


def test_everything_asked_has_a_section_in_both_languages(asked):
    for language in ("en", "fr"):
        anchors = [block.anchor for block in of(compose(asked, language).blocks, Heading)]
        assert [anchor for anchor in anchors if anchor in ANCHORS] == ANCHORS
        for anchor in ANCHORS:
            blocks = section(compose(asked, language), anchor)
            assert said(blocks)
            assert of(blocks, TableBlock)
    assert shape(compose(asked, "en")) == shape(compose(asked, "fr"))


def test_what_was_not_asked_has_no_section(small_study):
    anchors = {block.anchor for block in of(compose(small_study, "en").blocks, Heading)}
    assert not anchors & {"conditional", "funnel", "amounts", "representation", "memberships"}
    assert {"selective", "score-groups"} <= anchors


def test_the_page_of_a_study_without_score_and_outcome_has_none_of_them(hostile_study):
    assert not {block.anchor for block in of(compose(hostile_study, "en").blocks, Heading)} & set(ANCHORS)


@pytest.fixture(scope="module")
def again(asked):
    """Return the files of a second composition."""
    return Files(asked, None)


@LANGUAGES
@pytest.mark.parametrize("format_", sorted(set(FORMATS) - {"pia", "zip"}))
def test_every_format_renders_and_says_the_same_twice(asked, again, language, format_):
    assert written(asked, language, format_) == again[language, format_]


@LANGUAGES
def test_every_sentence_and_caption_is_in_the_page_and_in_the_markdown(asked, language):
    page, text = written(asked, language, "html").decode(), written(asked, language, "md").decode()
    captions = [block.caption for block in of(compose(asked, language).blocks, TableBlock | Figure)]
    assert all(caption.replace("'", "&#39;") in page for caption in captions)
    headings = [say(f"dossier_further.heading_{anchor.replace('-', '_')}", language) for anchor in ANCHORS]
    assert all(heading in text for heading in headings)


@pytest.mark.slow
def test_the_french_dossier_holds_no_english_word(asked, narrow):
    for study in (asked, narrow):
        for name, text in texts(study, "fr").items():
            read = re.sub(r"<style>.*?</style>|<pre.*?</pre>|<[^>]*>" if name == "html" else r"```.*?```", " ", text, flags=re.DOTALL)
            found = {read[max(0, one.start() - 50) : one.end() + 30] for one in re.finditer(ENGLISH, read)}
            assert not found, name


@LANGUAGES
def test_no_part_promises_what_no_tool_can_give(asked, language):
    assert not re.search(TOO_MUCH[language], markdown(compose(asked, language)).decode(), re.IGNORECASE)


@LANGUAGES
def test_every_table_with_a_verdict_says_what_the_tolerance_is(asked, language):
    words = {"en": "US employment guideline", "fr": "ligne directrice américaine"}[language]
    judged = [block for block in of(compose(asked, language).blocks, TableBlock) if any(column.kind == "verdict" for column in block.columns)]
    assert len(judged) >= 7
    assert all(words in block.note for block in judged)


@LANGUAGES
def test_every_drawing_is_told_in_words(asked, language):
    blocks = [block for anchor in ANCHORS for block in section(compose(asked, language), anchor)]
    drawn = of(blocks, Figure)
    assert len(drawn) == 4  # funnel, memberships, outcomes, cut-offs
    assert all(len(figure.alternative) > 40 and figure.described for figure in drawn)
    assert written(asked, language, "html").decode().count('role="img"') == len(of(compose(asked, language).blocks, Figure))


# within strata


@LANGUAGES
def test_both_figures_stand_side_by_side_with_their_n(asked, language):
    table = of(section(compose(asked, language), "conditional"), TableBlock)[0]
    rows = asked.published().conditional(metrics=["selection_rate"])
    rates = asked.published().rates(metrics=["selection_rate"]).set_index("group")
    assert len(table.rows) == len(rows) == 3
    for row, (_, true) in zip(table.rows, rows.iterrows(), strict=True):
        crude, within = (cell for cell in row.cells if isinstance(cell, Estimate))
        np.testing.assert_equal((crude.value, crude.low, crude.high), tuple(true[["ratio", "ratio_low", "ratio_high"]]))
        np.testing.assert_equal((within.value, within.low, within.high), tuple(true[["pooled_ratio", "pooled_low", "pooled_high"]]))
        rate = next(cell for cell in row.cells if isinstance(cell, OutOf))
        assert (rate.hits, rate.trials) == tuple(rates.loc[true["group"], ["hits", "trials"]])


@LANGUAGES
def test_a_reversal_is_told_first_and_with_both_figures(asked, language):
    blocks = section(compose(asked, language), "conditional")
    lines = of(blocks, Bullets)[0].items
    true = asked.published().conditional_findings(language)
    caution = say("strata.caution", language, by="band")
    assert len(lines) >= 2
    assert all(f"{line} {caution}" in true for line in lines)
    assert "Simpson" in lines[0]
    assert "Simpson" in of(blocks, TableBlock)[0].rows[0].remark


@LANGUAGES
def test_that_strata_can_hide_an_exclusion_is_a_callout(asked, language):
    callout = of(section(compose(asked, language), "conditional"), Callout)[0]
    assert callout.items[0] == say("strata.caution", language, by="band")
    assert callout.items[1] == say("dossier_further.conditional_verdicts", language)


def test_strata_are_listed_where_the_ratio_turns_round(asked):
    table = of(section(compose(asked, "en"), "conditional"), TableBlock)[1]
    rows = asked.published().by_stratum(metrics=["selection_rate"])
    both = asked.published().conditional(metrics=["selection_rate"])
    apart = both[both["simpson"].astype(bool) | (both["p_homogeneity"] < 0.05)]["group"]
    rows = rows[rows["group"].isin(apart)]
    assert {"F", "M"} <= set(apart)
    assert [row.cells[0] for row in table.rows] == rows["stratum"].tolist()
    assert [row.cells[1].trials for row in table.rows] == rows["trials"].tolist()


@pytest.mark.slow
@LANGUAGES
def test_a_stratum_of_one_person_is_shown_nowhere(narrow, language):
    assert "Strate Unique" in set(narrow.by_stratum()["stratum"])
    for name, text in texts(narrow, language).items():
        assert "Strate Unique" not in text, name
    withheld = say("dossier_further.by_stratum_withheld", language, threshold=10, names="\0").split("\0")[0]
    assert withheld in said(section(compose(narrow, language), "conditional"))


@LANGUAGES
def test_a_folded_group_does_not_hinder_the_sentences(narrow, language):
    blocks = section(compose(narrow, language), "conditional")
    assert of(blocks, Bullets)
    assert "Île Minuscule" not in "".join(str(row.cells) for block in of(blocks, TableBlock) for row in block.rows)


# funnel and amounts


@LANGUAGES
def test_the_funnel_names_the_stage_and_the_numbers_are_the_study_s(asked, language):
    blocks = section(compose(asked, language), "funnel")
    stage = {"en": "May be written to", "fr": "Peut être contacté"}[language]
    rows = asked.published().funnel()
    table = of(blocks, TableBlock)[0]
    assert [row.cells[2].value for row in table.rows] == rows["verdict"].tolist()
    assert [(row.cells[3].hits, row.cells[3].trials) for row in table.rows] == list(zip(rows["hits"], rows["trials"], strict=True))
    assert {row.cells[1] for row in table.rows} == {stage, say("funnel.decision", language)}
    assert "sex" in of(blocks, Bullets)[0].items[0]


@LANGUAGES
def test_a_stage_where_few_are_left_is_withheld(narrow, language):
    blocks = section(compose(narrow, language), "funnel")
    table = of(blocks, TableBlock)[0]
    shown = {(row.section, row.cells[1]) for row in table.rows}
    assert ("town", say("funnel.decision", language)) not in shown
    assert say("funnel.decision", language) in said(blocks).split("10", 1)[1]
    for rows in cells(narrow, language).values():
        assert not [row for row in rows if row[1] == "west" and say("funnel.decision", language) in row]


@pytest.mark.slow
@LANGUAGES
def test_amounts_of_two_people_are_shown_nowhere(narrow, language):
    for name, text in texts(narrow, language).items():
        assert not re.search(r"123\D?45[678]", text), name
    held = of(section(compose(narrow, language), "amounts"), TableBlock)[0]
    assert {row.section for row in held.rows} == {"sex"}
    title = say("dossier_further.sheet_inequality", language)
    assert [row[0] for row in cells(narrow, language)[title][1:]] == ["sex"]


@LANGUAGES
def test_amounts_stand_beside_those_of_the_reference(asked, language):
    rows = asked.published().amounts()
    table = of(section(compose(asked, language), "amounts"), TableBlock)[0]
    assert [row.cells[1] for row in table.rows] == rows["people"].tolist()
    assert [row.cells[2].value for row in table.rows] == rows["mean"].tolist()
    frame = made()
    mean = frame[(frame["sex"] == "F") & (frame["granted"] == "yes")]["limit"].mean()
    assert next(row.cells[2].value for row in table.rows if row.cells[0] == "F") == pytest.approx(mean)


# who is in the file, and who is known by probability


@LANGUAGES
def test_the_source_of_the_population_is_cited_wherever_its_shares_are(asked, language):
    blocks = section(compose(asked, language), "representation")
    assert (say("dossier_further.source_of", language, name="sex"), SOURCE) in of(blocks, KeyValues)[0].items
    assert SOURCE in said(blocks)
    assert SOURCE in {row[8] for row in cells(asked, language)[say("dossier_further.sheet_representation", language)]}
    told = of(blocks, Findings)[0].items
    assert told[0].verdict is Verdict.EXCLUSION  # half of the file, seven tenths of the population
    assert "sex" in told[0].text


@LANGUAGES
def test_no_weighted_estimate_stands_without_its_bounds(asked, language):
    blocks = section(compose(asked, language), "memberships")
    true = asked.published().memberships(["selection_rate"]).iloc[0]
    rate, ratio = (cell for cell in of(blocks, TableBlock)[0].rows[0].cells if isinstance(cell, Estimate))
    assert (rate.value, rate.low, rate.high) == tuple(true[["value", "value_lowest", "value_highest"]])
    assert (ratio.value, ratio.low, ratio.high) == tuple(true[["ratio", "ratio_lowest", "ratio_highest"]])
    finding = of(blocks, Findings)[0].items[0].text
    assert say("unobserved.verdict_undetermined", language) in finding
    for low, high in (("value_lowest", "value_highest"), ("ratio_lowest", "ratio_highest")):
        kind = "percent" if low.startswith("value") else "ratio"
        assert all(number(true[end], kind, language) in finding for end in (low, high))
    titles = cells(asked, language)[say("dossier_further.sheet_memberships", language)][0]
    place = titles.index(say("dossier.x_value", language))
    assert titles[place + 1] == say("dossier_further.x_value_lowest", language)


@LANGUAGES
def test_the_source_of_the_probabilities_is_cited_and_the_ground_named_on_page_one(asked, language):
    pairs = of(section(compose(asked, language), "memberships"), KeyValues)[0].items
    assert SHARES in pairs[0][1]
    assert say("criterion.origin", language) in pairs[0][0]
    first = section(compose(asked, language), "studied")
    ground = say("dossier_further.grounds_by_probability", language, grounds=say("criterion.origin", language))
    assert ground in [block.text for block in of(first, Paragraph)]


def test_the_source_of_an_audit_s_probabilities_is_told_in_french():
    study = scoring.audit(
        made(), decision="granted", favourable="yes", groups=["sex"], memberships={"origin": {"a": "p_a"}}, cells={"origin": "cell"}
    )
    text = written(study, "fr", "md").decode()
    assert "handed in" not in text
    assert "fournie avec le tableau de données" in text


# outcomes that were not observed


@LANGUAGES
def test_the_verdict_of_a_band_is_that_without_an_assumption(asked, language):
    table = of(section(compose(asked, language), "selective"), TableBlock)[0]
    rows = asked.published().selective("monotone", ["true_positive_rate"])
    plain = rows[rows["assumption"] == "none"]
    assert [row.cells[1].value for row in table.rows] == plain["verdict"].tolist()
    assert [row.cells[2] for row in table.rows] == plain["observed"].tolist()
    for row, (_, true) in zip(table.rows, plain.iterrows(), strict=True):
        ends = [say("dossier_further.from_to", language, low=true[low], high=true[high]) for low, high in _ENDS]
        assert row.cells[4] == say("dossier_further.band_and_sampling", language, band=ends[0], wider=ends[1])


_ENDS = (("ratio_lowest", "ratio_highest"), ("ratio_low", "ratio_high"))


def test_where_every_outcome_was_observed_there_is_no_such_section():
    frame = made().assign(repaid=lambda held: np.where(held["score"] > 500, "good", "bad"))
    study = scoring.audit(frame, decision="granted", favourable="yes", groups=["sex"], outcome="repaid", favourable_outcome="good")
    assert "selective" not in {block.anchor for block in of(compose(study, "en").blocks, Heading)}


# the score


@LANGUAGES
def test_whose_good_are_ranked_behind_is_said(asked, language):
    blocks = section(compose(asked, language), "score-groups")
    lines = of(blocks, Bullets)[0].items
    rows = asked.published().scores().set_index(["group", "metric"])
    assert rows.loc[("F", "cross_group_auc"), "high"] < rows.loc[("F", "xauc_rest"), "low"]
    assert len(lines) == 1
    assert lines[0].startswith("sex")
    table = of(blocks, TableBlock)[0]
    row = next(row for row in table.rows if row.cells[0] == "F")
    assert row.cells[1] == rows.loc[("F", "mean_score"), "people"]
    assert row.cells[2].value == pytest.approx(made().query("sex == 'F'")["score"].mean(), abs=0.5)


@LANGUAGES
def test_outer_percentiles_of_a_small_group_are_not_in_the_workbook(narrow, language):
    rows = cells(narrow, language)[say("dossier_further.sheet_scores", language)]
    outer = {say(f"score_metrics.score_{name}", language) for name in ("p10", "p90")}
    assert "west" in {row[1] for row in rows}
    assert not [row for row in rows if row[1] == "west" and row[2] in outer]
    assert [row for row in rows if row[1] == "F" and row[2] in outer]


def test_a_score_of_which_less_is_better_is_told_as_it_is():
    frame = made()
    study = scoring.audit(frame, decision="granted", favourable="yes", groups=["sex"], score="score")
    plan = study.plan.model_copy(update={"score": study.plan.score.model_copy(update={"higher_is": "worse"})})
    counts = scoring.audit(frame.assign(score=-frame["score"]), decision="granted", favourable="yes", groups=["sex"], score="score").counts
    blocks = section(compose(dataclasses.replace(study, plan=plan, counts=counts), "en"), "score-groups")
    row = next(row for row in of(blocks, TableBlock)[0].rows if row.cells[0] == "F")
    assert row.cells[2].value == pytest.approx(frame.query("sex == 'F'")["score"].mean(), abs=0.5)
    assert row.cells[2].low < row.cells[2].value < row.cells[2].high
    assert all("cut-off -" not in line.lower() for line in of(blocks, Figure)[0].described)


# workbook, provenance, hostile text


@LANGUAGES
def test_the_workbook_has_a_sheet_of_each_with_every_row(asked, language):
    held, tables = cells(asked, language), asked.published()
    rows = {
        "conditional": tables.conditional(), "by_stratum": tables.by_stratum().query("not withheld"),
        "funnel": tables.funnel(), "amounts": tables.amounts(),
        "representation": tables.representation(), "memberships": tables.memberships(), "inequality": tables.inequality(),
    }  # fmt: skip
    for name, table in rows.items():
        sheet = held[say(f"dossier_further.sheet_{name}", language)]
        assert len(sheet) == len(table) + 1 > 1, name
    sheet = held[say("dossier_further.sheet_conditional", language)]
    place = sheet[0].index(say("dossier_further.x_pooled_ratio", language))
    assert [row[place] for row in sheet[1:]] == pytest.approx(rows["conditional"]["pooled_ratio"].tolist())
    assert all(title for rows in held.values() for title in rows[0])


def test_the_call_that_makes_an_audit_again_asks_the_same():
    study = scoring.audit(
        made(), decision="granted", favourable="yes", groups=["sex"], strata=["band"], funnel={"reached": ("reached", "yes")}, amounts=["limit"],
        memberships={"origin": {"a": "p_a"}}, cells={"origin": "cell"},
    )  # fmt: skip
    code = of(compose(study, "en").blocks, Code)[0].text
    call = code.split("\n)\n")[0].removeprefix("study = ") + "\n)"
    made_again = eval(call, {"scoring": scoring, "frame": made()})
    assert made_again.plan == study.plan


def test_a_saved_study_says_the_same(asked, tmp_path):
    asked.save(tmp_path / "study")
    loaded = scoring.Study.load(tmp_path / "study")
    for anchor in ANCHORS:
        before, after = ("\n".join(map(str, section(compose(study, "en"), anchor))) for study in (asked, loaded))
        assert before == after, anchor


@pytest.mark.slow
def test_text_from_data_and_declaration_is_text():
    words = ("<script>alert(1)</script>", "=HYPERLINK('x')", "+1|2", "$\\frac{a}$ *b*", "{{ 7*7 }}")
    shares = {words[0]: 0.6, words[1]: 0.4}
    study = studied(made(words=words), shares=shares, stage="<b>stage</b>|", source="=cmd|' /C calc'!A0 <img src=x>", title="<i>x</i> | {{ 7*7 }}")
    for language in ("en", "fr"):
        page, text = written(study, language, "html").decode(), written(study, language, "md").decode()
        assert not re.search(r"<(script|b|i|img)[ >]", page.replace("<i>", "<i >") if "<i>x" in page else re.sub(r"<i>(?!x)", "", page))
        assert "&lt;img src=x&gt;" in page
        assert "<script" not in text
        assert "49" not in re.findall(r"\{\{ ?(\d+) ?\}\}", page)
        book = openpyxl.load_workbook(io.BytesIO(written(study, language, "xlsx")))
        found = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
        assert not [cell for cell in found if cell.data_type == "f"]
        dangerous = [cell for cell in found if isinstance(cell.value, str) and cell.value.startswith(("=", "+", "-", "@"))]
        assert dangerous
        assert all(cell.quotePrefix for cell in dangerous)


def test_a_notebook_and_the_command_tell_a_reversal_in_a_line(asked, hostile_study):
    from scoring.display import reversals_of, study_html

    lines = reversals_of(asked.published())
    assert len(lines) == 2
    assert all(line in study_html(asked.published()).replace("&#x27;", "'") for line in lines)
    assert reversals_of(hostile_study.published()) == []
