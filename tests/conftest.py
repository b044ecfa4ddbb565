"""Studies that many tests read. Nothing here is written to."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import scoring


def pytest_collection_modifyitems(items):
    """Leave out what needs a browser, a server or Java unless it is asked for; then a missing part is a failure."""
    if os.environ.get("EQUISCORE_FULL") != "1":
        for item in items:
            if item.get_closest_marker("full"):
                item.add_marker(pytest.mark.skip(reason="needs more than Python; run with EQUISCORE_FULL=1"))
            elif item.get_closest_marker("slow"):
                item.add_marker(pytest.mark.skip(reason="over ten seconds; run with EQUISCORE_FULL=1"))


ROOT = Path(__file__).parents[1]
TINY = "Île Minuscule"


@pytest.fixture(scope="session")
def credit_study():
    """The real credit sample: trained score, declared cut-off, segments and offers."""
    return scoring.conduct_study(scoring.ProcessingActivity.read(ROOT / "data/samples/credit/activity.yaml"))


def made_people():
    """900 made people: a group that is excluded, one where nobody was selected, one of three people, four of unknown region."""
    rng = np.random.default_rng(11)
    n = 900
    region = rng.choice(["north", "south", "east"], n, p=[0.5, 0.3, 0.2]).astype(object)
    region[:3] = TINY
    region[3:7] = None
    sex = rng.choice(["F", "M"], n).astype(object)
    sex[50:90] = None
    rate = np.where(region == "east", 0.3, 0.7)
    accepted = (rng.random(n) < rate).astype(int)
    accepted[:3] = [1, 1, 0]
    channel = rng.choice(["shop", "web"], n).astype(object)
    channel[100:140], accepted[100:140] = "phone", 0
    repaid = pd.Series((rng.random(n) < 0.8).astype(int)).where(rng.random(n) < 0.9)
    score = pd.array(np.round(500 + 100 * rng.standard_normal(n)), dtype="Float64")
    score[10:16] = pd.NA  # no score, which is no fault; NaN would be
    return pd.DataFrame({"sex": sex, "region": region, "channel": channel, "accepted": accepted, "repaid": repaid, "score": score})


@pytest.fixture(scope="session")
def small_study():
    """An audit of made people, without a declaration."""
    frame = made_people()
    return scoring.audit(
        frame, decision="accepted", favourable=1, outcome="repaid", favourable_outcome=1, score="score", groups=["sex", "region", "channel"]
    )


@pytest.fixture(scope="session")
def hostile_study():
    """Group labels that try to be markup, a formula, mathematics, and a table of their own."""
    rng = np.random.default_rng(5)
    labels = ["<script>alert(1)</script>", '=HYPERLINK("http://evil.example","x")', "+1|2", "$\\frac{a}$ *b* `c`", "{{ 7*7 }} ]]>"]
    group = np.repeat(labels, 60)
    return scoring.audit(
        pd.DataFrame({"@group": group, "accepted": (rng.random(len(group)) < 0.6).astype(int)}), decision="accepted", favourable=1, groups=["@group"]
    )
