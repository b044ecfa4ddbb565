import importlib.util
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import scoring
from scoring.fairness.labels import interval_labels
from scoring.models.explaining.contributions import Contributions

SAMPLES = Path(__file__).parents[2] / "data/samples"


@pytest.fixture(scope="session")
def credit():
    """The features of the credit sample, its outcome, and age cut as the sample declares it."""
    activity = scoring.ProcessingActivity.read(SAMPLES / "credit/activity.yaml")
    table = pd.read_csv(SAMPLES / "credit/customers.csv")
    cuts = {"age": [25], "age band": [25, 35, 45, 60]}
    ages = {
        name: pd.cut(table["age_in_years"], [0, *edges, 200], right=False, labels=interval_labels(edges, whole=True)) for name, edges in cuts.items()
    }
    return table[list(activity.study.features)], table["creditability"], pd.DataFrame(ages)


@pytest.fixture(scope="session")
def instalments():
    """12,000 people of the made sample: what its rule sees, what each part of it gave them, and their attributes."""
    spec = importlib.util.spec_from_file_location("instalments_generate_inquiry", SAMPLES / "instalments/generate.py")
    made = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = made
    spec.loader.exec_module(made)
    people = made.population(12_000)
    table = pd.DataFrame(made.customers(people, made.habits(people))).replace("", None)
    bought, back = table["purchases_12m"].to_numpy(), table["returns_12m"].to_numpy()
    parts = {
        "residence_years": made.points_of(table["residence_years"].to_numpy(), made.RESIDENCE_EDGES, made.RESIDENCE_POINTS),
        "months_as_customer": made.points_of(table["months_as_customer"].to_numpy(), made.MONTHS_EDGES, made.MONTHS_POINTS),
        "purchases_12m": made.points_of(bought, made.PURCHASE_EDGES, made.PURCHASE_POINTS),
        "returns_12m": np.array(made.RETURN_POINTS)[np.select([back == 0, back * 5 < bought, back * 2 < bought], [0, 1, 2], 3)],
        "channel": table["channel"].map(made.CHANNEL_POINTS).to_numpy(),
        "product_range": table["product_range"].map(made.RANGE_POINTS).to_numpy(),
    }
    values = np.stack(list(parts.values()), axis=1).astype(float)
    rule = Contributions(tuple(parts), values, float(made.BASE_POINTS), table["score"].to_numpy(float), model="the old rule")
    return table, rule
