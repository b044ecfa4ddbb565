"""Reading YAML so that every fault can say where it stands.

Less is read into words than YAML 1.1 does: `yes`, `no`, `2024-01-31`, `1:30` and `01` are words, for they are levels of many a
column. A key written twice is a fault, and each key keeps its line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, Field, ValidationError

from scoring.errors import DeclarationError, EquiscoreError, nearest
from scoring.plan import Word

Text = Annotated[Word | dict[Literal["en", "fr"], Word], Field(description="Words, or words by language.")]
Where = tuple[str | int, ...]


class _Loader(yaml.SafeLoader):
    """SafeLoader that knows no booleans but true and false, no dates, and no number that begins with a needless zero."""


_LEFT_OUT = {f"tag:yaml.org,2002:{kind}" for kind in ("timestamp", "int", "float")}
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in _LEFT_OUT and (tag != "tag:yaml.org,2002:bool" or first in "tTfF")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_WHOLE = r"[-+]?(?:0|[1-9][0-9]*)"
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(f"^{_WHOLE}$"), list("-+0123456789"))
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(rf"^(?:(?:{_WHOLE}\.[0-9]*|[-+]?\.[0-9]+)(?:[eE][-+]?[0-9]+)?|{_WHOLE}[eE][-+]?[0-9]+|[-+]?\.inf|\.nan)$"),
    list("-+.0123456789"),
)


class _FastLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # PyYAML without libyaml has none
    """The same in C, some ten times faster."""


_FastLoader.yaml_implicit_resolvers = _Loader.yaml_implicit_resolvers
_SHALLOW = 1_000
"""Brackets and leading marks that a text may hold to be read in C: C has no guard against deep nesting."""


class Lines:
    """Line of each key of a YAML file."""

    def __init__(self, places: Mapping[Where, int]) -> None:
        self._places = places

    def order(self, where: Where) -> tuple[int, str]:
        """Sort faults as they stand in the file."""
        known = next((where[:n] for n in range(len(where), 0, -1) if where[:n] in self._places), None)
        return self._places[known] if known else 0, dotted(where)

    def at(self, where: Where) -> str:
        """Return ``:12`` for the nearest key that the file holds, or nothing."""
        known = next((where[:n] for n in range(len(where), 0, -1) if where[:n] in self._places), None)
        return f":{self._places[known]}" if known else ""


def load_yaml(path: Path) -> tuple[dict[str, Any], Lines, list[EquiscoreError]]:
    """Return the content, the line of each key, and the faults of form that still leave something to read."""
    if not path.is_file():
        raise DeclarationError(f"{path}: no such file. Fix: give the path of the YAML file; `equiscore activity new` writes a declaration.")
    try:
        content, keys = _parsed(path.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError as error:
        raise DeclarationError(f"{path}: not written in UTF-8 (byte {error.start:,}). Fix: save it as UTF-8.") from error
    except yaml.MarkedYAMLError as error:
        place = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        raise DeclarationError(
            f"{path}{place}: not readable as YAML: {error.problem or error.context}. Fix: mend that line or the one above."
        ) from error
    except (yaml.YAMLError, OSError, ValueError, RecursionError) as error:
        said = " ".join(str(error).replace('in "<unicode string>", ', "").split())
        raise DeclarationError(f"{path}: not readable as YAML: {said}. Fix: mend what it names.") from error
    if not isinstance(content, dict):
        raise DeclarationError(f"{path}: a declaration is keys and values, this is not. Fix: start from `equiscore activity new`.")
    places, twice = dict[Where, int](), list[EquiscoreError]()
    for where, line in keys:
        if where in places:
            twice.append(DeclarationError(f"{path}:{line}: {dotted(where)}: written twice, also in line {places[where]}. Fix: keep one."))
        places.setdefault(where, line)
    return content, Lines(places), twice


def _parsed(text: str) -> tuple[Any, list[tuple[Where, int]]]:
    """Return the content and the line of each key; a fault is told in the words of the loader that is not in C."""
    if _nesting(text) <= _SHALLOW:
        try:
            return _read(text, _FastLoader)
        except (yaml.YAMLError, ValueError):  # said below
            pass
    return _read(text, _Loader)


def _read(text: str, kind: type[Any]) -> tuple[Any, list[tuple[Where, int]]]:
    loader = kind(text)
    try:
        node = loader.get_single_node()
        keys = list(_keys(node, set()))  # before merge keys are put in their place
        return None if node is None else loader.construct_document(node), keys
    finally:
        loader.dispose()


def _nesting(text: str) -> int:
    """Return a number that the depth of a text is never above."""
    return text.count("[") + text.count("{") + max((len(marks) for marks in re.findall(r"^[ \t?:-]*", text, re.MULTILINE)), default=0)


def _keys(node: yaml.Node | None, seen: set[int], above: Where = ()) -> Iterator[tuple[Where, int]]:
    """Go through the keys and their lines; what is spoken of again by an alias is not gone through again."""
    if id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield (*above, _key(key)), key.start_mark.line + 1
            yield from _keys(value, seen, (*above, _key(key)))
    elif isinstance(node, yaml.SequenceNode):
        for position, value in enumerate(node.value):
            yield (*above, position), value.start_mark.line + 1
            yield from _keys(value, seen, (*above, position))


def _key(node: yaml.Node) -> str:
    return str(node.value) if isinstance(node, yaml.ScalarNode) else ""


def dotted(where: Sequence[str | int]) -> str:
    """Return the key as it is spoken of.

    >>> dotted(("study", "groups", "age", "edges", 0))
    'study.groups.age.edges[0]'
    """
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part if part.isprintable() else repr(part)}" for part in where).lstrip(".")


def explained(error: ValidationError, model: type[BaseModel], raw: Mapping[str, Any], path: Path, lines: Lines) -> list[DeclarationError]:
    """Turn what pydantic found into sentences with place and fix, each fault once."""
    faults = [_Fault(_place(fault["loc"], raw, fault["type"]), {**fault}) for fault in error.errors(include_url=False)]
    said = []
    for place, together in groupby(sorted(faults, key=lambda one: lines.order(one.where)), key=lambda one: one.where):
        here = _of_one_branch([fault for fault in together if not _said_elsewhere(fault, faults, model)], faults)
        said += [DeclarationError(f"{path}{lines.at(place)}: {dotted(place)}: {_sentence(fault, model)}") for fault in here]
    return said


class _Fault(NamedTuple):
    """What pydantic found, at a place of the file."""

    where: Where
    found: Mapping[str, Any]


def _place(loc: Sequence[str | int], raw: Any, kind: str) -> Where:
    """Follow a place into the file: what is no key there is the name of a branch of a union."""
    where: Where = ()
    for step, part in enumerate(loc, start=1):
        inside = raw if isinstance(raw, dict) else dict(enumerate(raw)) if isinstance(raw, list) else {}
        if part in inside:
            where, raw = (*where, part), inside[part]
        elif kind == "missing" and step == len(loc):
            where = (*where, part)
    return where


def _said_elsewhere(fault: _Fault, faults: Sequence[_Fault], model: type[BaseModel]) -> bool:
    """Tell whether another fault says the same: the key is there with a slip, or the list is short of its faulty items only."""
    where, kind = fault.where, fault.found["type"]
    if kind == "missing":
        beside = [other.where[-1] for other in faults if other.found["type"] == "extra_forbidden" and other.where[:-1] == where[:-1]]
        return any(nearest(str(name), _fields(model, where[:-1])) == where[-1] for name in beside)
    return kind == "too_short" and any(other.where[: len(where)] == where and len(other.where) > len(where) for other in faults)


def _of_one_branch(here: list[_Fault], faults: Sequence[_Fault]) -> list[_Fault]:
    """Keep, of the faults of one place, what the branch that was meant says; where none was meant, say what all want."""
    types = [fault for fault in here if fault.found["type"].endswith("_type")]
    others = [fault for fault in here if fault not in types]
    where = here[0].where if here else ()
    if others or any(len(fault.where) > len(where) and fault.where[: len(where)] == where for fault in faults):
        return others
    if len(types) < 2:
        return types
    wanted = " or ".join(dict.fromkeys(_says(fault.found) for fault in types))
    return [_Fault(where, {**types[0].found, "says": wanted})]


def _sentence(fault: _Fault, model: type[BaseModel]) -> str:
    where, found = fault
    kind, value = found["type"], found.get("input")
    if kind == "extra_forbidden":
        known = sorted(_fields(model, where[:-1]))
        near = nearest(str(where[-1]), known)
        return "no such key. Fix: " + (f"did you mean {near!r}?" if near else f"use one of {', '.join(known)}.")
    if kind == "missing":
        return "missing. Fix: add it; `equiscore activity new` shows an example."
    if kind in {"too_short", "string_too_short"} or value is None:
        return "empty. Fix: " + ("list at least one." if kind == "too_short" else "write something there.")
    said = found["msg"].removeprefix("Value error, ")
    if "Fix:" in said:
        return said
    given = "" if isinstance(value, (dict, list, BaseModel)) else f" (it is {value!r})"
    return f"should be {found.get('says') or _says(found)}{given}. Fix: {_fix(found)}"


def _says(found: Mapping[str, Any]) -> str:
    said = {
        "string_type": "words",
        "dict_type": "keys and values",
        "model_type": "keys and values",
        "tuple_type": "a list",
        "frozen_set_type": "a list",
    }
    if str(found["type"]).startswith("date_"):
        return "a day, such as 2026-01-31"
    return said.get(found["type"]) or str(found["msg"]).removeprefix("Input should be ").removeprefix("a valid ")


def _fix(found: Mapping[str, Any]) -> str:
    """Say how a value is mended, by what was expected and what is there."""
    value = found["input"]
    if found["type"] in {"enum", "literal_error"}:
        known = re.findall(r"'([^']*)'", str(found.get("ctx", {}).get("expected", "")))
        near = nearest(str(value), known)
        return f"did you mean {near!r}?" if near else "use one of them."
    if found["type"] == "string_type" and isinstance(value, (bool, int, float)):
        return f'write it in quotation marks: "{str(value).lower() if isinstance(value, bool) else value}".'
    return "correct it; `equiscore activity new` shows an example."


def _fields(model: Any, where: Where) -> set[str]:
    """Return the keys that are known at a place of the declaration."""
    for part in where:
        model = next((found for found in (_step(branch, part) for branch in _branches(model)) if found is not None), None)
    return {name for branch in _branches(model) for name in getattr(branch, "model_fields", {})}


def _step(kind: Any, part: str | int) -> Any:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return kind.model_fields[part].annotation if part in kind.model_fields else None
    inside = get_args(kind)
    return inside[-1 if isinstance(part, str) else 0] if inside else None


def _branches(kind: Any) -> tuple[Any, ...]:
    return get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)
