"""Maximum likelihood of positive parameters: by their logarithms, from several starts, with standard errors."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # it ships no types

LIMIT = 12.0
"""How far the logarithm of a parameter may go from 0: a parameter there tends to 0 or infinity, so the data do not tell it."""
NEWTON_STEPS = 3
FLAT = 1e-11
"""A gradient so small is rounding."""
STEP = 1e-4
"""Of the differences of the gradient, in logarithms: their error is of the order of its square."""

_minimize: Any = minimize  # its stubs know vectors of one declared shape only
Vector = NDArray[np.float64]
Likelihood = Callable[[Vector], tuple[float, Vector]]
"""Mean log-likelihood a person, and its gradient, at given parameters."""


@dataclass(frozen=True, slots=True, eq=False)
class Maximum:
    """Where a likelihood is highest."""

    parameters: Vector
    standard_errors: Vector
    """Square roots of the diagonal of the inverse observed information; nan where the likelihood is flat in a parameter."""
    mean_log_likelihood: float


def maximise(likelihood: Likelihood, starts: Sequence[Sequence[float]], *, people: float, rough: Likelihood | None = None) -> Maximum:
    """Maximise a likelihood over positive parameters.

    Every start is climbed by L-BFGS-B on the logarithms of the parameters; a few Newton steps bring the best one to where the last digits no
    longer hang on the path. `rough`, the likelihood of some of the people, is climbed first where given, so that all of them are
    read for the last climb only.

    Parameters
    ----------
    people : float, how many the mean likelihood is of: standard errors shrink with its square root.

    Warns
    -----
    ConvergenceWarning
        A parameter tends to 0 or infinity.

    Examples
    --------
    The rate of an exponential distribution of mean 0.5; its standard error is rate / sqrt(people):

    >>> found = maximise(lambda p: (float(np.log(p[0]) - 0.5 * p[0]), 1 / p - 0.5), [[1.0]], people=100)
    >>> found.parameters.round(6).tolist(), found.standard_errors.round(4).tolist()
    ([2.0], [0.2])
    """
    with threadpool_limits(1):  # the optimiser's arrays hold a few numbers: on a busy machine threads only wait for each other
        found = min((_climbed(rough or likelihood, np.log(start)) for start in starts), key=lambda end: end[1])[0]
        found = found if rough is None else _climbed(likelihood, found)[0]
        hessian = _hessian(likelihood, found)
        for _ in range(NEWTON_STEPS):
            found = _newton(likelihood, found, hessian)
    parameters = np.exp(found)
    if (np.abs(found) > LIMIT - 1).any():
        told = ", ".join(f"{value:.3g}" for value in parameters)
        warnings.warn(
            f"The likelihood has no maximum inside its limits ({told}): the data do not tell all parameters.", ConvergenceWarning, stacklevel=3
        )
    return Maximum(parameters, parameters * _errors(hessian, people), likelihood(parameters)[0])


def _downhill(likelihood: Likelihood, logs: Vector) -> tuple[float, Vector]:
    """Return the negative likelihood and its gradient in the logarithms of the parameters."""
    parameters = np.exp(logs)
    value, gradient = likelihood(parameters)
    return -value, -gradient * parameters


def _climbed(likelihood: Likelihood, logs: Vector) -> tuple[Vector, float]:
    options = {"maxiter": 500, "ftol": 1e-13, "gtol": 1e-8}
    bounds = [(-LIMIT, LIMIT)] * len(logs)
    end = _minimize(lambda at: _downhill(likelihood, at), logs, jac=True, method="L-BFGS-B", bounds=bounds, options=options)
    return np.asarray(end.x, dtype=np.float64), float(end.fun)


def _hessian(likelihood: Likelihood, logs: Vector) -> NDArray[np.float64]:
    """Return the second derivatives of the negative likelihood in the logarithms, by central differences of its gradient."""
    steps = STEP * np.eye(len(logs))
    rows = np.stack([(_downhill(likelihood, logs + step)[1] - _downhill(likelihood, logs - step)[1]) / (2 * STEP) for step in steps])
    return (rows + rows.T) / 2


def _newton(likelihood: Likelihood, logs: Vector, hessian: NDArray[np.float64]) -> Vector:
    """Take one Newton step where the likelihood is bowl-shaped and the step is a small one; else stay."""
    value, gradient = _downhill(likelihood, logs)
    if np.abs(gradient).max() < FLAT or np.linalg.eigvalsh(hessian).min() <= 0:
        return logs
    there = logs - np.linalg.solve(hessian, gradient)
    near = np.abs(there - logs).max() < 0.1 and np.abs(there).max() <= LIMIT
    return there if near and _downhill(likelihood, there)[0] <= value + 1e-12 * abs(value) else logs


def _errors(hessian: NDArray[np.float64], people: float) -> Vector:
    values, vectors = np.linalg.eigh(hessian)
    if values.min() <= 1e-12 * values.max():
        return np.full(len(values), np.nan)
    return np.sqrt((vectors**2 / values).sum(axis=1) / people)
