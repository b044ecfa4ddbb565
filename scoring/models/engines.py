"""The engines that can be trained, by name: a scorecard, logistic regression, boosted trees, and each of them calibrated."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from inspect import signature
from typing import Any

from scoring.errors import nearest
from scoring.models.binning import WoEBinner
from scoring.models.boosting import GradientBoosting
from scoring.models.calibration import METHODS, CalibratedScore
from scoring.models.columns import ModelError
from scoring.models.logistic import LogisticScore
from scoring.models.scorecard import Scorecard

ENGINES: Mapping[str, Callable[..., Any]] = {"scorecard": Scorecard, "logistic": LogisticScore, "gradient_boosting": GradientBoosting}
"""What `make_engine` can make; each takes `favourable` and parameters of its own, all by keyword."""
CALIBRATIONS = ("none", *METHODS)


def make_engine(name: str, *, calibration: str = "none", **parameters: Any) -> Any:
    """Make an unfitted estimator by the name of its engine.

    Parameters
    ----------
    name
        One of `ENGINES`.
    calibration
        ``none``, or a method of `CalibratedScore`, in which the engine is then wrapped.
    parameters
        Those of the engine; of a scorecard also those of its `WoEBinner`. For ``gradient_boosting``, ``interactions=False`` makes the
        score a sum of one curve a feature, ``monotone={"income": "ascending"}`` binds the direction of one.

    Raises
    ------
    ModelError
        No such engine, calibration or parameter; the likeliest slip is named.

    Examples
    --------
    >>> make_engine("gradient_boosting", interactions=False, max_iter=50)
    GradientBoosting(interactions=False, max_iter=50)
    >>> make_engine("logistic", c=0.5)
    Traceback (most recent call last):
        ...
    scoring.models.columns.ModelError: The engine logistic has no parameter 'c' (was 'C' meant?). Fix: use C, favourable.
    """
    _check_name("engine", name, ENGINES)
    _check_name("calibration", calibration, CALIBRATIONS)
    known = engine_parameters(name)
    for given in parameters:
        if given not in known:
            near = nearest(given.lower(), [word.lower() for word in known])
            said = next((f" (was {word!r} meant?)" for word in known if word.lower() == near), "")
            raise ModelError(f"The engine {name} has no parameter {given!r}{said}. Fix: use {', '.join(known)}.")
    made = _made(ENGINES[name], parameters)
    return made if calibration == "none" else CalibratedScore(made, method=calibration, favourable=parameters.get("favourable"))


def engine_parameters(name: str) -> tuple[str, ...]:
    """Return the names of the parameters that an engine takes, those of a scorecard's binner after its own.

    >>> engine_parameters("logistic")
    ('C', 'favourable')
    """
    _check_name("engine", name, ENGINES)
    own = tuple(signature(ENGINES[name]).parameters)
    return (*own, *(word for word in signature(WoEBinner).parameters if word not in own)) if "binner" in own else own


def _made(engine: Callable[..., Any], parameters: Mapping[str, Any]) -> Any:
    own = signature(engine).parameters
    binning = {word: value for word, value in parameters.items() if word not in own}
    if binning and parameters.get("binner") is not None:
        raise ModelError(f"{', '.join(binning)}: said beside a binner. Fix: say it in the binner.")
    kept = {word: value for word, value in parameters.items() if word in own}
    return engine(**kept, binner=WoEBinner(**binning)) if binning else engine(**kept)


def _check_name(what: str, name: str, known: Iterable[str]) -> None:
    if name not in known:
        near = nearest(str(name), known)
        said = f" (was {near!r} meant?)" if near else ""
        raise ModelError(f"No {what} {name!r}{said}. Fix: use one of {', '.join(known)}.")
