"""What an authority is handed (GDPR art. 36(3)): the dossier and its files in one package, all made from one study."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from scoring.dossier.compose import compose_view
from scoring.dossier.document import Block, Callout
from scoring.dossier.evidence import NAME, evidence_of
from scoring.dossier.formats.pdf import pdf
from scoring.dossier.legal import law_of
from scoring.dossier.package import package
from scoring.dossier.parts.annexes.model_card_file import model_card_json
from scoring.dossier.pia import pia_bytes, pia_of
from scoring.dossier.view import View
from scoring.errors import EquiscoreError
from scoring.study import Study


def package_of(study: Study, language: str, record: Mapping[str, Any] | None = None) -> bytes:
    """Return the package of a study: the dossier as PDF, the PIA file, the evidence, the trace of the rules and the model card.

    Parameters
    ----------
    study
        Saved, of a declaration with a day.
    language
        ``en`` or ``fr``.
    record
        What people recorded in the register.

    Raises
    ------
    EquiscoreError
        An audit, a study without a day or one that was not saved: an authority must be able to tell which study it was handed.
    """
    view = View.of(study, language, record)
    law = law_of(view)
    if law is None or study.digest is None or study.plan.as_of is None:
        raise EquiscoreError("An authority is handed a saved study of a declaration with a day. Fix: declare study.as_of, and save the study.")
    document, evidence = compose_view(view), evidence_of(study)
    files = {
        f"dossier.{language}.pdf": pdf(document, evidence=evidence, day=study.plan.as_of, digest=study.digest),
        "pia.json": pia_bytes(pia_of(view, language, recorded=(record or {}).get("pia"))),
        NAME: evidence,
        "trace.json": law.trace.json(language).encode(),
        "model_card.json": model_card_json(view),
    }
    return package(files, as_of=study.plan.as_of, digest=study.digest, language=language, missing=missing_of(document.blocks))


def missing_of(blocks: Iterable[Block]) -> tuple[str, ...]:
    """Return what a dossier says that it lacks, each once."""
    return tuple(dict.fromkeys(item for block in blocks if isinstance(block, Callout) and block.missing for item in block.items))
