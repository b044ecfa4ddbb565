"""D16: who was trained, who reviewed, where the trail stands, and by which hash each piece of evidence is known."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from scoring.dossier.document import Block, Bullets, KeyValues, Paragraph, Row
from scoring.dossier.parts.days import as_day
from scoring.dossier.parts.declared.risks import review_rows
from scoring.dossier.parts.declared.shared import cited, columns, day, heading, of_declaration, table, text, words
from scoring.dossier.parts.lacking import lacking
from scoring.dossier.view import View
from scoring.provenance import canonical


@of_declaration
def governance(view: View) -> Iterator[Block]:
    """Show training, reviews, the head of the trail, and the index of evidence."""
    yield heading(view, "training")
    trained = [recorded(view, one) for one in (*(view.assessment.get("training") or ()), *(view.record.get("training") or ()))]
    if trained:
        yield Bullets(tuple(trained))
    else:
        yield from lacking(view, (words(view, "lacks_training"), "controller"))
    yield from cited(view, "EU-AIA-4", "EU-GDPR-5")
    yield heading(view, "reviews")
    yield from _reviews(view)
    yield heading(view, "trail")
    yield from _trail(view)
    yield heading(view, "evidence")
    yield from _evidence(view)


def recorded(view: View, entry: Any) -> str:
    """Return an entry as it was declared or recorded: words, words by language, or fields, each after the other."""
    if isinstance(entry, Mapping) and not set(entry) <= {"en", "fr"}:
        return view.listed(_value(view, value) for value in entry.values() if value not in (None, ""))
    return view.pick(entry)


def _value(view: View, value: Any) -> str:
    if as_day(value):
        return day(view, value)
    return text(view, value) if isinstance(value, str | Mapping) else str(value)


def _reviews(view: View) -> Iterator[Block]:
    found = list(view.record.get("reviews") or ())
    titles = columns(view, "by", "role", "outcome", "at", "this_version")
    yield from table(view, "reviews", titles, review_rows(view, found), note=words(view, "note_reviews"), remark=words(view, "col_text"))
    if not found:
        yield from lacking(view, (words(view, "lacks_reviews"), "reviewer"))


def _trail(view: View) -> Iterator[Block]:
    head = view.record.get("trail_head")
    if not head:
        yield from lacking(view, (words(view, "lacks_trail"), "controller"))
        return
    yield KeyValues(((words(view, "trail_sequence"), str(head.get("sequence"))), (words(view, "trail_hash"), str(head.get("hash")))))
    yield Paragraph(words(view, "trail_said"))


def _evidence(view: View) -> Iterator[Block]:
    """List each piece of evidence with its hash; the files of the study, the model's too, are in the manifest that the digest seals."""
    pieces = [
        (words(view, "evidence_study"), view.study.digest or view.say("not_saved")),
        (words(view, "evidence_source", name=view.study.source.get("name", "")), view.study.source.get("sha256") or view.say("not_recorded")),
        (words(view, "evidence_declaration"), hashlib.sha256(canonical(view.declared)).hexdigest()),
        *_files(view),
    ]
    yield from table(view, "evidence", columns(view, "piece", "sha256"), [Row(piece) for piece in pieces], note=words(view, "note_evidence"))


def _files(view: View) -> Iterator[tuple[str, str]]:
    """Return the hashes of files that the register keeps of this very study."""
    for study in view.record.get("studies") or ():
        if view.study.digest is not None and study.get("digest") == view.study.digest:
            for name, digest in (study.get("files") or {}).items():
                yield words(view, "evidence_file", name=name), str(digest)
