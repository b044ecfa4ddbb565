"""D12: the 25 criteria of discrimination law, each with how the study looks at it, or why it cannot."""

from __future__ import annotations

from collections.abc import Iterator

from scoring.dossier.document import Block, Callout, Paragraph, Row, TableBlock
from scoring.dossier.legal import law_of
from scoring.dossier.parts.legal.formalities import columns, no_day, titled, told
from scoring.dossier.view import View
from scoring.law.criteria import CriterionRow, Measured
from scoring.texts import NOTHING


def criteria(view: View) -> Iterator[Block]:
    """Show measured, by proxy, not measurable or not known, row by row; questions that stop the launch stand out."""
    law = law_of(view)
    if law is None:
        yield from no_day(view)
        return
    held = [row.measured for row in law.matrix.rows]
    numbers = {"measured": Measured.DIRECTLY, "proxy": Measured.BY_PROXY, "not_measurable": Measured.NOT, "unknown": Measured.UNKNOWN}
    yield titled(view, "criteria")
    yield Paragraph(told(view, "measured_count", **{name: held.count(kind) for name, kind in numbers.items()}))
    if blocking := law.matrix.blocking:
        said = [row.row(view.language) for row in blocking]
        yield Callout(told(view, "criteria_blocking"), tuple(told(view, "criterion_asked", **row) for row in said))
    rows = tuple(_row(view, row) for row in sorted(law.matrix.rows, key=lambda row: list(Measured).index(row.measured)))
    headed = columns(view, "criterion", "by", "texts")
    yield TableBlock(told(view, "caption_criteria"), headed, rows, told(view, "note_criteria"), told(view, "remark_why"))


def _row(view: View, row: CriterionRow) -> Row:
    said = row.row(view.language)
    by = view.listed(view.name(name) for name in row.by) or NOTHING
    silent = row.measured is Measured.UNKNOWN and not row.blocks  # the same question of each of them: it is the title of their part
    remark = " ".join(filter(None, (said["why"], said["note"], "" if silent else said["question"])))
    part = told(view, f"criteria_{row.measured.name.lower()}")
    return Row((said["title"], by, said["texts"] or NOTHING), remark, part)
