"""The declaration of a processing activity: the register entry and the run in one file.

`ProcessingActivity.read` judges the whole file and reports every fault at once, each with file, line, key and fix.
"""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from scoring.assessment import Assessment, SignOff
from scoring.consistency import contradictions
from scoring.declaration import Text, explained, load_yaml
from scoring.errors import DeclarationError, raise_all
from scoring.plan import Declared, Plan, Word
from scoring.stated import StatedFacts
from scoring.vocabulary import LegalBasis


class Party(Declared):
    """A person or body with a role in the processing."""

    name: Word
    contact: Word = Field(description="Where it can be written to.")
    address: Word | None = None


class Purpose(Declared):
    """What the processing is for and why that is lawful (GDPR art. 5(1)(b), 6)."""

    name: Text
    legal_basis: LegalBasis
    detail: Text | None = Field(None, description="The interest pursued, the contract, the law; what makes the basis hold.")


class DataCategory(Declared):
    """A category of personal data (GDPR art. 30(1)(c))."""

    name: Text
    special: bool = Field(False, description="A special category (art. 9) or data on offences (art. 10).")


class Transfer(Declared):
    """A transfer to a third country (GDPR art. 30(1)(e))."""

    country: Word
    recipient: Word
    safeguards: Text


class Retention(Declared):
    """How long a category is kept (GDPR art. 30(1)(f))."""

    data: Text
    period: Text
    then: Text | None = None


class ProcessingActivity(Declared):
    """The record of a processing activity (GDPR art. 30(1)) and the study of its scoring."""

    format: Literal[1] = 1
    reference: Word = Field(description="Short code of the activity in the register.")
    name: Text
    controller: Party
    joint_controllers: tuple[Party, ...] = ()
    representative: Party | None = None
    dpo: Party | None = Field(None, description="Data protection officer.")
    purposes: tuple[Purpose, ...] = Field(min_length=1)
    persons: tuple[Text, ...] = Field(min_length=1, description="Categories of persons concerned.")
    data: tuple[DataCategory, ...] = Field(min_length=1, description="Categories of data.")
    recipients: tuple[Text, ...] = Field(description="Categories of recipients; an empty list says that there are none.")
    transfers: tuple[Transfer, ...] = Field(description="To third countries; an empty list says that there are none.")
    retention: tuple[Retention, ...] = Field(min_length=1)
    security: tuple[Text, ...] = Field(min_length=1, description="General description of the security measures (art. 32).")
    facts: StatedFacts = Field(StatedFacts(), description="Facts that rules of law ask for; what is not known is left out.")
    assessment: Assessment = Assessment()
    review: SignOff | None = None
    study: Plan

    @classmethod
    def read(cls, path: str | Path) -> ProcessingActivity:
        """Read a declaration; a relative source path is resolved against the file's folder.

        Raises
        ------
        FaultyInput or DeclarationError
            With every fault of the file: where, which key, what is wrong, how to mend it.
        """
        path = Path(path)
        raw, lines, faults = load_yaml(path)
        try:
            activity = cls.model_validate(raw)
        except ValidationError as error:
            faults += explained(error, cls, raw, path, lines)
        faults += [DeclarationError(f"{path}{lines.at(where)}: {what}") for where, what in contradictions(raw)]
        raise_all(str(path), faults)
        return activity.located(path.parent)

    def located(self, folder: Path) -> ProcessingActivity:
        """Return a copy whose source path does not depend on the working folder."""
        source = self.study.source
        if source is None or source.path is None or source.path.is_absolute():
            return self
        placed = source.model_copy(update={"path": folder / source.path})
        return self.model_copy(update={"study": self.study.model_copy(update={"source": placed})})

    def document(self) -> dict[str, Any]:
        """Return the declaration as plain data, the source by its name only: a path is a fact of a machine, not of an activity."""
        return self.model_copy(update={"study": self.study.portable()}).model_dump(mode="json")


def template() -> str:
    """Return a complete declaration with a comment beside each key, to be changed into one's own."""
    return files("scoring").joinpath("templates/activity.yaml").read_text(encoding="utf-8")


def json_schema() -> str:
    """Return the JSON Schema of a declaration, for editors that check while one types."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **ProcessingActivity.model_json_schema()}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
