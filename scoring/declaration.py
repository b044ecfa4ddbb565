"""Reading YAML so that every fault can say where it stands.

YAML 1.2 booleans only (`yes` and `no` are words: they are levels of many a column), a key written twice is a fault,
and each key keeps its line.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, Field

from scoring.errors import DeclarationError, EquiscoreError, nearest
from scoring.plan import Word

Text = Annotated[Word | dict[Literal["en", "fr"], Word], Field(description="Words, or words by language.")]
Where = tuple[str | int, ...]


class _Loader(yaml.SafeLoader):
    """SafeLoader that knows no other booleans than true and false."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:bool" or first in "tTfF"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


class Lines:
    """Line of each key of a YAML file."""

    def __init__(self, places: Mapping[Where, int]) -> None:
        self._places = places

    def at(self, where: Where) -> str:
        """Return ``:12`` for the nearest key that the file holds, or nothing."""
        known = next((where[:n] for n in range(len(where), 0, -1) if where[:n] in self._places), None)
        return f":{self._places[known]}" if known else ""


def load_yaml(path: Path) -> tuple[dict[str, Any], Lines, list[EquiscoreError]]:
    """Return the content, the line of each key, and the faults of form that still leave something to read."""
    if not path.is_file():
        raise DeclarationError(f"{path}: no such file. Fix: give the path of an activity.yaml; `equiscore activity new` writes one.")
    try:
        text = path.read_text(encoding="utf-8-sig")
        tree = yaml.compose(text, Loader=_Loader)
        content = yaml.load(text, Loader=_Loader)  # noqa: S506  (a SafeLoader)
    except (yaml.YAMLError, UnicodeDecodeError, ValueError) as error:
        raise DeclarationError(f"{path}: not readable as YAML: {' '.join(str(error).split())}. Fix: mend the line that it names.") from error
    if not isinstance(content, dict):
        raise DeclarationError(f"{path}: a declaration is keys and values, this is not. Fix: start from `equiscore activity new`.")
    places, twice = dict[Where, int](), list[EquiscoreError]()
    for where, line in _keys(tree):
        if where in places:
            twice.append(DeclarationError(f"{path}:{line}: {dotted(where)}: written twice, also in line {places[where]}. Fix: keep one."))
        places.setdefault(where, line)
    return content, Lines(places), twice


def _keys(node: yaml.Node | None, above: Where = ()) -> Iterator[tuple[Where, int]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield (*above, key.value), key.start_mark.line + 1
            yield from _keys(value, (*above, key.value))
    elif isinstance(node, yaml.SequenceNode):
        for position, value in enumerate(node.value):
            yield (*above, position), value.start_mark.line + 1
            yield from _keys(value, (*above, position))


def dotted(where: Sequence[str | int]) -> str:
    """Return the key as it is spoken of.

    >>> dotted(("study", "groups", "age", "edges", 0))
    'study.groups.age.edges[0]'
    """
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in where).lstrip(".")


def explain(fault: Mapping[str, Any], model: type[BaseModel], path: Path, lines: Lines) -> DeclarationError:
    """Turn a fault that pydantic found into a sentence with place and fix."""
    where = tuple(part for part in fault["loc"] if not _is_branch(part))
    place = f"{path}{lines.at(where)}: {dotted(where)}"
    if fault["type"] == "extra_forbidden":
        known = sorted(_fields(model, where[:-1]))
        near = nearest(str(where[-1]), known)
        return DeclarationError(f"{place}: no such key. Fix: " + (f"did you mean {near!r}?" if near else f"use one of {', '.join(known)}."))
    if fault["type"] == "missing":
        return DeclarationError(f"{place}: missing. Fix: add it; `equiscore activity new` shows an example.")
    said = fault["msg"].removeprefix("Value error, ")
    fix = "" if "Fix:" in said else " Fix: change it to that."
    given = "" if isinstance(fault["input"], (dict, list, BaseModel)) else f" (it is {fault['input']!r})"
    return DeclarationError(f"{place}: {said}{given}.{fix}" if fix else f"{place}: {said}")


def _is_branch(part: str | int) -> bool:
    """Tell the name of a union's branch, which pydantic puts into the place, from a key of the file."""
    return isinstance(part, str) and ("[" in part or part in {"str", "constrained-str", "bool", "int", "float"})


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
