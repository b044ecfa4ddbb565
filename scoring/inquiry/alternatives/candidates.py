"""What is tried: each candidate is a name, an engine, what it leaves out, and how it learns. The order is the order of trying."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any, Final

from scoring.errors import EquiscoreError, nearest
from scoring.models.training import ENGINES

Words = tuple[tuple[str, Any], ...]
"""Names and values, sorted by name: a mapping that does not change."""

FAMILIES: Final = ("engines", "proxies", "features", "reweighing", "penalty", "parameters", "draws", "reductions")
"""What is varied, in the order of trying: engines; each proxy left out, and pairs; each other feature left out; weights; a penalty; parameters;
draws of the people learned from (model multiplicity); fairlearn's reductions."""
STRENGTHS: Final = (0.3, 1.0, 3.0, 10.0, 30.0)
DIFFERENCES: Final = (0.02, 0.05)
GRID_POINTS: Final = 7
DRAWS: Final = 3
PARAMETERS: Final[Mapping[str, tuple[Mapping[str, Any], ...]]] = {
    "scorecard": ({"C": 0.1}, {"C": 0.01}, {"min_iv": 0.0}, {"min_iv": 0.005}, {"min_iv": 0.05}),
    "logistic": ({"C": 0.1}, {"C": 0.01}),
    "gradient_boosting": ({"max_leaf_nodes": 4}, {"max_leaf_nodes": 16}, {"learning_rate": 0.02}, {"l2_regularization": 10.0}),
}


@dataclass(frozen=True, slots=True)
class Candidate:
    """One way to score people that could have been taken."""

    name: str
    family: str
    engine: str
    left_out: tuple[str, ...] = ()
    """Features that it never sees."""
    parameters: Words = ()
    """Of the engine."""
    method: str = "plain"
    """How it learns: a key of `learning.METHODS`."""
    attribute: str = ""
    """The protected attribute that is read while it learns; nothing where none is, ``(all)`` where all are."""
    settings: Words = ()
    """Of the method."""
    uses_protected_at_decision: bool = False

    def key(self, data: str) -> str:
        """Return what names this candidate on these data: a part of the SHA-256 of both.

        >>> len(Candidate("scorecard", "engines", "scorecard").key("data"))
        24
        """
        told = json.dumps([asdict(self), data], sort_keys=True, default=str)
        return hashlib.sha256(told.encode()).hexdigest()[:24]


def words(values: Mapping[str, Any]) -> Words:
    """Return names and values, sorted.

    >>> words({"b": 1, "a": 2})
    (('a', 2), ('b', 1))
    """
    return tuple(sorted(values.items()))


def propose(
    features: Sequence[str],
    attributes: Sequence[str],
    *,
    engine: str = "scorecard",
    parameters: Mapping[str, Any] | None = None,
    proxies: Sequence[str] = (),
    families: Sequence[str] = FAMILIES,
    protected_at_decision: bool = False,
) -> tuple[Candidate, ...]:
    """List the candidates of a search, the engine in use with all features first.

    Parameters
    ----------
    features, attributes
        Names of the features, and of the protected attributes.
    engine, parameters
        The engine in use, and its parameters.
    proxies
        Features that tell who is in a group, the strongest first: each is left out, and, of the engine in use, pairs of the first three, and
        all of them.
    families
        Which of `FAMILIES`.
    protected_at_decision
        Also cut-offs by group, which use the protected attribute at decision.

    Raises
    ------
    EquiscoreError
        No such engine or family.

    Examples
    --------
    >>> [one.name for one in propose(["a", "b"], ["sex"], proxies=["b"], families=["proxies", "reweighing"])][:3]
    ['scorecard', 'scorecard without b', 'scorecard, reweighed by sex']
    """
    if unknown := [name for name in families if name not in FAMILIES]:
        likely = nearest(unknown[0], FAMILIES)
        raise EquiscoreError(
            f"No family {unknown[0]!r} of candidates{f' (was {likely!r} meant?)' if likely else ''}. Fix: use {', '.join(FAMILIES)}."
        )
    if engine not in ENGINES:
        raise EquiscoreError(f"No engine {engine!r}. Fix: use one of {', '.join(ENGINES)}.")
    others = [plain for plain in _engines(engine) if plain.name != engine]
    base = Candidate(engine, "engines", engine, parameters=words(parameters or {}))
    known = {
        "engines": others,
        "proxies": list(_without_proxies([base, *others], features, proxies)),
        "features": [_leaving(base, (name,), "features") for name in features if name not in proxies and len(features) > 1],
        "reweighing": [_learning(plain, "reweighing", attribute) for plain in (base, *others) for attribute in attributes],
        "penalty": list(_penalised(attributes)),
        "parameters": [one for plain in (base, *others) for one in _tuned(plain)],
        "draws": [_learning(plain, "draws", "", draw=draw) for plain in (base, *others) for draw in range(1, DRAWS + 1)],
        "reductions": list(_reduced(Candidate("scorecard", "reductions", "scorecard"), attributes)),
    }
    tried = [one for family in FAMILIES if family in families for one in known[family]]
    # what costs seconds before what costs minutes: the engine in use and cards, then the other engines with all of it
    listed = [base, *sorted(tried, key=lambda one: one.family != "engines" and one.engine not in {engine, "scorecard"})]
    if protected_at_decision:
        listed += [_learning(base, "thresholds", attribute, at_decision=True) for attribute in attributes]
    return tuple({one.name: one for one in listed}.values())


def _engines(first: str) -> Iterator[Candidate]:
    for name in (first, *(other for other in ENGINES if other != first)):
        yield Candidate(name, "engines", name)
        if name == "gradient_boosting":
            yield Candidate(f"{name} without interactions", "engines", name, parameters=words({"interactions": False}))


def _leaving(plain: Candidate, left_out: tuple[str, ...], family: str) -> Candidate:
    joined = " and " if plain.name.endswith("without interactions") else " without "
    name = f"{plain.name}{joined}{' and '.join(left_out)}"
    return Candidate(name, family, plain.engine, left_out, plain.parameters)


def _without_proxies(plains: Sequence[Candidate], features: Sequence[str], proxies: Sequence[str]) -> Iterator[Candidate]:
    single: list[tuple[str, ...]] = [(name,) for name in proxies]
    several = [*combinations(proxies[:3], 2), *([tuple(proxies)] if len(proxies) > 2 else [])]
    for k, plain in enumerate(plains):
        sets = [*single, *several] if k == 0 else single
        yield from (_leaving(plain, left_out, "proxies") for left_out in sets if len(left_out) < len(features))


_SAID: Final = {
    "reweighing": "{name}, reweighed by {attribute}",
    "penalty": "{name}, penalty {strength:g} on {attribute}",
    "draws": "{name}, draw {draw}",
    "exponentiated_gradient": "fairlearn exponentiated gradient by {attribute}, difference {difference_bound:g}",
    "grid_search": "{name}, fairlearn grid by {attribute}, point {point} of {points}",
    "thresholds": "{name}, cut-offs by {attribute}",
}
_FAMILY: Final = {"exponentiated_gradient": "reductions", "grid_search": "reductions"}


def _learning(plain: Candidate, method: str, attribute: str, *, at_decision: bool = False, **settings: Any) -> Candidate:
    name = _SAID[method].format(name=plain.name, attribute=attribute, **settings)
    family = _FAMILY.get(method, method)
    return Candidate(name, family, plain.engine, plain.left_out, plain.parameters, method, attribute, words(settings), at_decision)


def _penalised(attributes: Sequence[str]) -> Iterator[Candidate]:
    card = Candidate("scorecard", "penalty", "scorecard")
    for attribute in (*attributes, *(["(all)"] if len(attributes) > 1 else [])):
        yield from (_learning(card, "penalty", attribute, strength=strength) for strength in STRENGTHS)


def _tuned(plain: Candidate) -> Iterator[Candidate]:
    for parameters in PARAMETERS.get(plain.engine, ()):
        told = ", ".join(f"{name}={value:g}" for name, value in parameters.items())
        merged = words({**dict(plain.parameters), **parameters})
        yield Candidate(f"{plain.name}, {told}", "parameters", plain.engine, plain.left_out, merged)


def _reduced(plain: Candidate, attributes: Sequence[str]) -> Iterator[Candidate]:
    for attribute in attributes:
        yield from (_learning(plain, "exponentiated_gradient", attribute, difference_bound=bound) for bound in DIFFERENCES)
    for attribute in attributes:
        yield from (_learning(plain, "grid_search", attribute, point=point, points=GRID_POINTS) for point in range(GRID_POINTS))
