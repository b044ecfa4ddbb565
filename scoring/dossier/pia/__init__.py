"""The file that the CNIL's PIA software imports: made from a study, checked, and imported in a model of the software.

The PIA is a projection of the dossier, not the dossier: its feared events are access, modification and disappearance only.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from scoring.dossier.pia.answers import Answers, Control, Given
from scoring.dossier.pia.build import pia_file
from scoring.dossier.pia.checks import check_pia
from scoring.dossier.pia.simulate import State, simulate_import
from scoring.dossier.pia.study import answers_of
from scoring.dossier.view import View
from scoring.errors import EquiscoreError, raise_all
from scoring.provenance import write_file
from scoring.study import Study

__all__ = ["Answers", "Control", "Given", "State", "answers_of", "check_pia", "pia_bytes", "pia_file", "pia_of", "simulate_import", "write_pia"]


def pia_of(
    study: Study | View,
    language: str = "en",
    *,
    declared: Mapping[str, Any] | None = None,
    facts: Mapping[str, Any] | None = None,
    recorded: Mapping[str, Any] | None = None,
    on: date | None = None,
) -> dict[str, Any]:
    """Return the PIA of a study as plain data: five keys, status 0, nothing evaluated unless a named human recorded it.

    Parameters
    ----------
    study
        A study, of which only published tables are read, or a view of one (its language then holds).
    language
        ``en`` or ``fr``.
    declared, facts, on
        See `answers_of`; by default all is read from the study's own declaration.
    recorded
        Opinions, evaluations and a validation from the register, each with who recorded it (`scoring.dossier.pia.recorded`).

    Raises
    ------
    EquiscoreError
        No day is known, something recorded bears no name, or the file would not be taken whole: every fault at once.
    """
    view = study if isinstance(study, View) else View.of(study, language)
    made = pia_file(answers_of(view, declared, facts, on=on), recorded)
    raise_all("pia", [EquiscoreError(fault) for fault in check_pia(made)])
    return made


def pia_bytes(made: Mapping[str, Any]) -> bytes:
    """Return the file as UTF-8 JSON; the same content is the same bytes."""
    return (json.dumps(made, ensure_ascii=False, indent=1, allow_nan=False) + "\n").encode()


def write_pia(made: Mapping[str, Any], path: str | Path) -> Path:
    """Write the file, whole or not at all, and return its path.

    Raises
    ------
    EquiscoreError
        It would not be taken whole by the software, or cannot be written there.
    """
    raise_all("pia", [EquiscoreError(fault) for fault in check_pia(dict(made))])
    write_file(Path(path), pia_bytes(made))
    return Path(path)
