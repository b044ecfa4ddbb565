"""Blocks hold what is said; numbering and parts are worked out from them."""

from scoring.dossier.document import Column, Document, Figure, Heading, Paragraph, Row, TableBlock, numbered

PEOPLE = Column("People", "count")


def test_tables_and_figures_are_numbered_apart_and_in_order():
    blocks = (TableBlock("A", (), ()), Figure("<svg/>", "B", ""), Paragraph("x"), TableBlock("C", (), ()))
    captions = [block.caption for block in numbered(blocks, "fr") if not isinstance(block, Paragraph)]
    assert captions == ["Tableau 1. A", "Figure 1. B", "Tableau 2. C"]


def test_the_rows_of_a_table_fall_into_its_parts():
    rows = (Row((1,), section="Sex"), Row((2,), section="Sex"), Row((3,), section="Age"))
    assert [(part, len(held)) for part, held in TableBlock("T", (PEOPLE,), rows).parts] == [("Sex", 2), ("Age", 1)]


def test_only_headings_of_the_second_level_open_a_section():
    blocks = (Heading(2, "Findings", "findings"), Heading(3, "More", "more"), Paragraph("x"))
    assert [section.anchor for section in Document("T", "en", blocks).sections] == ["findings"]


def test_numbers_stand_on_the_right_and_words_on_the_left():
    assert (PEOPLE.align, Column("Group").align, Column("Verdict", "verdict").align) == ("right", "left", "left")
