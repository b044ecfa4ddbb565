"""Arithmetic of the BG/NBD model (Fader, Hardie & Lee 2005): likelihood, expectations, probability of being alive.

While alive a customer buys at a rate that varies among customers as Gamma(r, alpha); after each purchase the customer leaves for good
with a probability that varies as Beta(a, b). Arrays in, arrays out; nothing here is fitted.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaln, expit, gammaln, hyp2f1, psi

Vector = NDArray[np.float64]
NODES, NODE_WEIGHTS = np.polynomial.legendre.leggauss(60)
NEAR = 1e-3
"""As near to a pole of the closed form as this, the expectation is integrated instead."""


class Parameters(NamedTuple):
    """The four parameters: buying rates ~ Gamma(r, alpha), probabilities of leaving ~ Beta(a, b)."""

    r: float
    alpha: float
    a: float
    b: float


class Histories(NamedTuple):
    """What is known of customers: repeat purchases x, age at the last purchase t_x, age T (one unit of time), and what each row weighs."""

    x: Vector
    t_x: Vector
    T: Vector
    weights: Vector
    counts: Vector
    """Each different x once."""
    place: NDArray[np.intp]
    """Where the x of a row is among `counts`: functions of x alone are worked out once a count."""
    buyers: NDArray[np.intp]
    """The rows with a repeat purchase: nobody else can have left."""

    @classmethod
    def of(cls, x: Vector, t_x: Vector, T: Vector, weights: Vector | None = None) -> Self:
        """Make histories from arrays, weight 1 each by default."""
        counts, place = np.unique(x, return_inverse=True)
        return cls(x, t_x, T, np.ones(len(x)) if weights is None else weights, counts, place, np.flatnonzero(x > 0))


class Branches(NamedTuple):
    """The two ways to a history: still a customer at T, or (of buyers alone) gone after the last purchase."""

    log_age: Vector
    """ln(α+T) of all rows."""
    log_last: Vector
    """ln(α+t_x) of the buyers."""
    stays: Vector
    """Log-likelihood of staying, all rows, but for what both branches share."""
    odds: Vector
    """Log odds of having left against staying, of the buyers."""


def log_likelihoods(parameters: ArrayLike, known: Histories) -> Vector:
    """Return the log-likelihood of each history (Fader, Hardie & Lee 2005, eq. 6; the form of their Excel note).

    ln L = ln[Γ(r+x)/Γ(r)] + r ln α + ln[B(a,b+x)/B(a,b)] + ln[(α+T)^-(r+x) + 1{x>0} a/(b+x-1) (α+t_x)^-(r+x)]

    >>> log_likelihoods((0.243, 4.414, 0.793, 2.426), Histories.of(np.array([2.0, 0.0]), np.array([30.43, 0.0]), np.array([38.86, 38.86]))).round(4)
    array([-9.4586, -0.5547])
    """
    r, alpha, a, b = np.asarray(parameters, dtype=np.float64)
    branches = _branches(r, alpha, a, b, known)
    told = _shared(r, alpha, a, b, known.counts)[known.place] + branches.stays
    told[known.buyers] += np.logaddexp(0.0, branches.odds)
    return told


def mean_log_likelihood(parameters: Vector, known: Histories) -> tuple[float, Vector]:
    """Return the weighted mean of the log-likelihoods and its gradient in r, alpha, a, b."""
    r, alpha, a, b = parameters
    n, people, some = known.counts, np.bincount(known.place, known.weights), known.buyers
    log_age, log_last, stays, odds = _branches(r, alpha, a, b, known)
    value = people @ _shared(r, alpha, a, b, n) + known.weights @ stays + known.weights[some] @ np.logaddexp(0.0, odds)
    gone = known.weights[some] * expit(odds)  # so much of each buyer has left
    rate, total = (r + known.x) * known.weights, psi(a + b) - psi(a + b + n)
    gone_by_count = np.bincount(known.place[some], gone, minlength=len(n))
    gradient = [
        people @ (psi(r + n) - psi(r) + np.log(alpha)) - known.weights @ log_age + gone @ (log_age[some] - log_last),
        people.sum() * r / alpha - (rate / (alpha + known.T)).sum() + _slope(r, alpha, known, gone),
        people @ total + gone.sum() / a,
        people @ (total + psi(b + n) - psi(b)) - gone_by_count @ (1 / np.where(n > 0, b + n - 1, 1.0)),
    ]
    return float(value / people.sum()), np.array(gradient) / people.sum()


def _shared(r: float, alpha: float, a: float, b: float, n: Vector) -> Vector:
    """Return what both branches share, a function of the number of purchases alone."""
    shared: Vector = gammaln(r + n) - gammaln(r) + r * np.log(alpha) + betaln(a, b + n) - betaln(a, b)
    return shared


def _slope(r: float, alpha: float, known: Histories, gone: Vector) -> float:
    """Return what those who have left add to the derivative in alpha."""
    x, t_x, T = (values[known.buyers] for values in (known.x, known.t_x, known.T))
    return float(((r + x) * gone) @ (1 / (alpha + T) - 1 / (alpha + t_x)))


def _branches(r: float, alpha: float, a: float, b: float, known: Histories) -> Branches:
    log_age, some = np.log(alpha + known.T), known.buyers
    log_last, rate = np.log(alpha + known.t_x[some]), r + known.x
    chance = np.log(a) - np.log(np.where(known.counts > 0, b + known.counts - 1, 1.0))[known.place[some]]
    return Branches(log_age, log_last, -rate * log_age, chance + rate[some] * (log_age[some] - log_last))


def probability_alive(parameters: ArrayLike, x: Vector, t_x: Vector, T: Vector) -> Vector:
    """Return the probability of still being a customer at T, 1 for those without a repeat purchase (Fader, Hardie & Lee 2008, note).

    >>> probability_alive((0.243, 4.414, 0.793, 2.426), np.array([2.0, 0.0]), np.array([30.43, 0.0]), np.array([38.86, 38.86])).round(4)
    array([0.7266, 1.    ])
    """
    r, alpha, a, b = np.asarray(parameters, dtype=np.float64)
    known, chances = Histories.of(x, t_x, T), np.ones(len(x))
    chances[known.buyers] = expit(-_branches(r, alpha, a, b, known).odds)
    return chances


def expected_purchases(parameters: ArrayLike, x: Vector, t_x: Vector, T: Vector, horizon: ArrayLike) -> Vector:
    """Return the expected number of purchases in (T, T + horizon] given the history (Fader, Hardie & Lee 2005, eq. 10).

    The equation's hypergeometric function grows with x until it overflows; by Euler's transformation
    ((α+T)/(α+T+t))^(r+x) 2F1(r+x, b+x; a+b+x-1; z) = (1-z)^(a-1) 2F1(a+b-1-r, a-1; a+b+x-1; z), which does not, z = t/(α+T+t).
    Next to its poles a = 1 and a+b+x = 1 the expectation is integrated.

    >>> expected_purchases((0.243, 4.414, 0.793, 2.426), np.array([2.0]), np.array([30.43]), np.array([38.86]), 39).round(3)
    array([1.226])
    """
    x, t_x, T, horizon = map(np.atleast_1d, np.broadcast_arrays(x, t_x, T, np.asarray(horizon, dtype=np.float64)))
    r, alpha, a, b = np.asarray(parameters, dtype=np.float64)
    bad = np.full(x.shape, True) if abs(a - 1) < NEAR else np.abs(a + b + x - 1) < NEAR
    if_alive = np.empty(x.shape)
    if_alive[~bad] = _closed(Parameters(r, alpha, a, b), x[~bad], T[~bad], horizon[~bad])
    if_alive[bad] = integrated(Parameters(r, alpha, a, b), x[bad], T[bad], horizon[bad])
    return if_alive * probability_alive(parameters, x, t_x, T)


def _closed(parameters: Parameters, x: Vector, T: Vector, horizon: Vector) -> Vector:
    r, alpha, a, b = parameters
    z, c = horizon / (alpha + T + horizon), a + b + x - 1
    return c / (a - 1) * (1 - (1 - z) ** (a - 1) * _gauss(a + b - 1 - r, a - 1, c, z))


def _gauss(first: float, second: float, third: Vector, z: Vector) -> Vector:
    """Return 2F1. SciPy gives inf for z over 0.9 where third - first - second is a large whole number; beside it, it is exact."""
    told: Any = hyp2f1(first, second, third, z)
    return told if np.isfinite(told).all() else np.where(np.isfinite(told), told, hyp2f1(first, second, third * (1 + 1e-12), z))


def integrated(parameters: Parameters, x: Vector, T: Vector, horizon: Vector) -> Vector:
    """Return the expected purchases of customers alive at T as an integral of the expected rate, by Gauss-Legendre in ln(1 + s/(α+T)).

    The rate at T + s is E[λ e^(-λps)] over λ ~ Gamma(r+x, α+T) and p ~ Beta(a, b+x); it has no pole.

    >>> integrated(Parameters(0.243, 4.414, 0.793, 2.426), np.array([2.0]), np.array([38.86]), np.array([39.0])).round(3)
    array([1.687])
    """
    r, alpha, a, b = parameters
    end = np.log1p(horizon / (alpha + T))
    v = end[..., None] * (NODES + 1) / 2
    rate = (r + x)[..., None] * np.exp((1 - a) * v) * _gauss(a + b - 1 - r, a, (a + b + x)[..., None], -np.expm1(-v))
    integral: Vector = end / 2 * (rate @ NODE_WEIGHTS)
    return integral
