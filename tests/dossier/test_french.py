"""The French dossier is French: no English word, no day or number as a machine writes it, no question asked twice, no sum of pieces twice."""

import itertools
import re
import shutil
import subprocess

import pytest

from scoring.dossier.document import Callout, Heading, KeyValues, Paragraph, TableBlock
from scoring.dossier.formats.markdown import markdown
from scoring.dossier.formats.pdf import levelled, listed_in, pdf
from scoring.dossier.legal import law_of
from scoring.dossier.parts.legal.formalities import formalities
from scoring.texts import say
from tests.dossier.once import composed, view_of

ENGLISH = re.compile(
    r"\b(the|of|and|with|from|people|group|groups|others?|than|were|was|are|been|which|known|unknown|is|to|by|not|no|yes|stage|shown|under|rate|"
    r"rates|missing|supplied|read|text|rule|rules|this|that|these|those|for|all|what|who|when|where|how|why|their|they|whose|has|have|had|does|"
    r"may|must|should|would|can|cannot|only|each|every|any|none|more|less|most|before|after|since|until|between|within|without|because|study|"
    r"studied|scoring model|signed|unsigned|reviewed|reviewer|review|draft|head|officer|standard|higher|lower|offer|offers|decision maker|row|"
    r"rows|column|columns|table|value|values|share|shares|count|counts|level|levels|day|days|month|months|year|years|age band|true|false|"
    r"required|done|open|closed|kept|removed|yearly|data|file|files|customer|customers|controller|processor|purpose|purposes|number|numbers)\b",
    re.IGNORECASE,
)
CODES = re.compile(
    r"\[[\w(), -]*\]|\b(?:EU|FR|MA)-[A-Z0-9](?:[\w-]|-\s)*|\S+\.(?:com|fr|eu|org|law|md|ma|it|biz|csv|json|yaml)\b\S*|\b\d+ CFR \S+|B to B"
)
TOOL = re.compile(r"```.*?```|« equiscore [^»]*»|equiscore \S+ \S+( --\w+ \S+)*", re.DOTALL)


@pytest.fixture(scope="module")
def french(credit_study):
    return composed(credit_study, "fr")


@pytest.fixture(scope="module")
def own_words(credit_study):
    """What the file and the declaration say in words of their own: values of columns, names, addresses, codes of offers."""
    declared = credit_study.document
    names = [declared[who][part] for who in ("controller", "dpo") for part in ("name", "address", "contact") if declared[who].get(part)]
    names += [one["name"] for one in declared["review"]["signers"]] + [one["party"] for one in declared["assessment"]["contracts"]]
    bins = [str(row["bin"]) for row in credit_study.facts["points"]]
    sources = [source for finding in law_of(view_of(credit_study, "fr")).trace for source in finding.rule.source.split("; ")]
    return sorted({*names, *bins, *sources, "foreign_worker", "Model Card Toolkit"} - {""}, key=len, reverse=True)


def without(text, words):
    for word in words:
        text = re.sub(rf"(?<!\w){re.escape(word)}(?!\w)", " ", text)
    return text


def english_in(text, words):
    plain = CODES.sub(" ", without(TOOL.sub(" ", text), words))
    assert len(plain) > 0.8 * len(text)  # nearly all of it is looked at
    return {plain[max(0, one.start() - 40) : one.end() + 40] for one in ENGLISH.finditer(plain)}


def test_the_whole_dossier_in_markdown_holds_no_english_word(french, own_words):
    text = re.sub(r"\\([\\`*_\[\]|#~.)-])", r"\1", markdown(french).decode())
    text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    assert english_in(text, own_words) == set()
    assert len(english_in(text.replace(". Une", ". This is the one. Une"), own_words)) > 2


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="poppler is not installed")
def test_the_whole_dossier_on_paper_holds_no_english_word(french, own_words, credit_study, tmp_path):
    (tmp_path / "dossier.pdf").write_bytes(pdf(french, day=credit_study.plan.as_of))
    told = subprocess.run(["pdftotext", "-raw", "dossier.pdf", "-"], cwd=tmp_path, check=True, capture_output=True).stdout.decode()
    text = re.sub(r"\s+", " ", re.sub(r"-\n", "-", told).replace("\u200b", ""))
    held = [re.sub(r"\s+", " ", word) for word in own_words]
    assert english_in(text, held) == set()


@pytest.mark.parametrize("language", ["en", "fr"])
def test_no_day_is_written_as_a_machine_writes_it_and_no_number_has_a_hyphen_for_a_minus(credit_study, language):
    text = markdown(composed(credit_study, language)).decode()
    text = re.sub(r"```.*?```", " ", text, flags=re.DOTALL)
    assert not re.findall(r"\b(?:19|20)\d\d-[01]\d-[0-3]\d\b", text)
    assert not re.findall(r"(?<=[ (|])-\d", text)


def test_a_column_is_called_by_its_title_where_it_has_one(french, credit_study):
    text = markdown(french).decode().replace("\\_", "_")
    titled = {name for name in credit_study.plan.features if name in credit_study.plan.titles}
    assert titled
    found = {name for name in titled if "_" in name and re.search(rf"(?<!\[){name}\b(?!\])", text)}
    assert found == set()


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_cover_names_who_and_which_version_before_what_was_studied_and_lacks_nothing_twice(credit_study, language):
    document = composed(credit_study, language)
    blocks = list(document.blocks)
    assert isinstance(blocks[0], Heading)
    assert isinstance(blocks[1], KeyValues)
    said = " ".join(value for _, value in blocks[1].items)
    assert credit_study.document["reference"] in said
    assert credit_study.document["dpo"]["name"] in said
    listed = next(block for block in blocks if isinstance(block, TableBlock) and say("dossier_annexes.caption_lacks", language) in block.caption)
    pieces = [row.cells[0] for row in listed.rows]
    assert len(pieces) == len(set(pieces))
    for item in ("lacks_opinion_dpo", "lacks_reviews", "lacks_incidents"):
        assert sum(say(f"dossier_declared.{item}", language) in piece for piece in pieces) == 1, item


@pytest.mark.parametrize("language", ["en", "fr"])
def test_each_signer_supplies_their_own_signature(credit_study, language):
    roles = {"model_reviewer": "reviewer", "dpo": "dpo", "controller": "controller"}
    items = [item for block in composed(credit_study, language).blocks if isinstance(block, Callout) and block.missing for item in block.items]
    for signer in credit_study.document["review"]["signers"]:
        own = [item for item in items if signer["name"] in item]
        assert own
        assert all(say(f"missing.who_{roles[signer['role']]}", language) in item for item in own)


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_gate_asks_each_question_once(credit_study, language):
    view = view_of(credit_study, language)
    table = next(block for block in formalities(view) if isinstance(block, TableBlock) and block.caption == say("dossier_law.caption_gate", language))
    assert len(table.rows) == len(law_of(view).points)
    for row in table.rows:
        questions = re.findall(r"[^?]+\?", row.remark)
        assert len(questions) == len({question.strip() for question in questions})
        for point in (finding for finding in law_of(view).trace if finding.rule.id in row.cells[2].split(", ")):
            facts = [say(f"law.fact_{name}", language) for name in point.missing if name != "ask" and not name.startswith("rule(")]
            assert not any(fact in row.remark for fact in facts)


def test_the_contents_list_the_sections_and_the_parts_of_the_study_alone(french, small_study):
    blocks = tuple(levelled(french.blocks))
    listed = list(listed_in(blocks))
    sections = [block.anchor for block in blocks if isinstance(block, Heading) and block.level == 1]
    assert [anchor for anchor in listed if anchor in sections] == sections
    deeper = [anchor for anchor in listed if anchor not in sections]
    assert 4 <= len(deeper) <= 15
    assert listed.index("d12") < listed.index(deeper[0]) < listed.index(deeper[-1]) < listed.index("d13")
    audit = tuple(levelled(composed(small_study, "fr").blocks))
    assert set(listed_in(audit)) == {block.anchor for block in audit if isinstance(block, Heading) and block.level <= 2}


def test_no_heading_repeats_the_one_above_it(french):
    headings = [block for block in french.blocks if isinstance(block, Heading)]
    for first, second in itertools.pairwise(headings):
        assert second.text.casefold() != first.text.partition(". ")[2].casefold()


def test_the_grounds_are_as_many_on_page_one_as_in_the_matrix(french):
    counted = next(block.text for block in french.blocks if isinstance(block, Paragraph) and "225-1), cette étude mesure" in block.text)
    assert "25 critères" in counted
    assert "24 autres" in counted
