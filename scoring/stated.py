"""The facts of law that a declaration states: one optional key a fact, each checked where it stands."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import AfterValidator, Field, SerializerFunctionWrapHandler, WithJsonSchema, create_model, model_serializer

from scoring.facts import FACTS, Fact, Value, proper
from scoring.plan import Declared


class _Stated(Declared):
    """A part of the declaration whose keys that are not stated do not show."""

    @model_serializer(mode="wrap")
    def _only_stated(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: value for name, value in handler(self).items() if value is not None}


def _read(name: str, value: Any) -> Value | None:
    """Return a fact in its proper kind; nothing, or "unknown", states nothing."""
    return None if value is None or value == "unknown" else proper(name, value)


def _schema(fact: Fact) -> dict[str, Any]:
    """Return the JSON Schema of a fact, for editors."""
    word: dict[str, Any] = {"type": "string", **({"enum": [str(one) for one in fact.allowed]} if fact.allowed else {})}
    kinds: dict[str, dict[str, Any]] = {
        "bool": {"enum": [True, False, "yes", "no", "unknown", None]},
        "number": {"type": ["number", "null"]},
        "date": {"type": ["string", "null"], "format": "date"},
        "word": {"anyOf": [word, {"enum": ["unknown", None]}]},
        "list": {"anyOf": [word, {"type": "array", "items": word}, {"enum": ["unknown", None]}]},
    }
    return kinds[fact.kind]


if TYPE_CHECKING:

    class StatedFacts(_Stated):
        """Facts of law by name; what is not known is left out."""
else:
    _FIELDS: Final = {
        name: (Annotated[Any, AfterValidator(partial(_read, name)), WithJsonSchema(_schema(fact))], Field(None)) for name, fact in FACTS.items()
    }
    StatedFacts = create_model("StatedFacts", __base__=_Stated, __doc__="Facts of law by name; what is not known is left out.", **_FIELDS)
