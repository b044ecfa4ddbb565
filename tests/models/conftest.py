from pathlib import Path

import numpy as np
import pandas as pd
import pytest

SHARED = Path(__file__).parents[2].parent / "shared"


def shared(name):
    path = SHARED / "data" / name
    if not path.exists():
        pytest.skip(f"{path} is not here")
    return path


@pytest.fixture(scope="session")
def german():
    table = pd.read_csv(shared("germancredit.csv"))
    return table.drop(columns="creditability"), table["creditability"]


@pytest.fixture(scope="session")
def taiwan():
    table = pd.read_parquet(shared("taiwan_default.parquet"))
    return table.drop(columns=["ID", "default.payment.next.month"]), table["default.payment.next.month"]


@pytest.fixture(scope="session")
def people():
    """400 people with a column of every kind a customer file has, missing values in most."""
    rng = np.random.default_rng(7)
    n = 400
    age, income = rng.integers(18, 80, n).astype(float), rng.lognormal(10, 1, n)
    home = rng.choice(["own", "rent", "lodger"], n)
    odds = 0.05 * (age - 45) + (home == "own") + 0.5 * np.log(income / 22000)
    table = pd.DataFrame(
        {
            "age": np.where(rng.random(n) < 0.1, np.nan, age),
            "income": income,
            "home": pd.Series(home, dtype="str").mask(rng.random(n) < 0.1),
            "job": pd.Categorical(rng.choice(["a", "b", "c"], n)),
            "member": rng.random(n) < 0.5,
            "children": pd.array(np.where(rng.random(n) < 0.2, None, rng.integers(0, 4, n)), dtype="Int64"),
            "channel": pd.Series(np.where(rng.random(n) < 0.3, None, "web"), dtype=object),
        }
    )
    return table, pd.Series(np.where(odds + rng.logistic(size=n) > 0, "good", "bad"), dtype="str")
