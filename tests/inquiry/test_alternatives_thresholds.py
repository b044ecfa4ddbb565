"""Cut-offs by group: they say what they are, and move each group one way only."""

import numpy as np
import pandas as pd

from scoring.inquiry.alternatives.thresholds import GroupRanks
from scoring.models import LogisticScore

N = 2_000


def people(seed=3):
    """Two groups of one spread; the score of B lies lower."""
    rng = np.random.default_rng(seed)
    group = np.where(rng.random(N) < 0.7, "A", "B")
    x = rng.normal(size=N) - 0.8 * (group == "B")
    return pd.DataFrame({"x": x}), (rng.random(N) < 1 / (1 + np.exp(-x))).astype(int), group


def test_p32_cut_offs_by_group_move_each_group_one_way_only():
    """Of the group that got less, people are only taken up; of the other, only let go; within a group nobody passes a better one."""
    X, good, group = people()
    plain = LogisticScore(favourable=1).fit(X, good).predict_proba(X)[:, 1]
    ranked = GroupRanks(LogisticScore(), favourable=1).fit(X, good, sensitive_features=group)
    after = ranked.predict_proba(X, sensitive_features=group)[:, 1]
    before, now = plain >= np.quantile(plain, 0.5), after >= np.quantile(after, 0.5)
    assert not (before & ~now)[group == "B"].any()
    assert not (~before & now)[group == "A"].any()
    assert now[group == "B"].sum() > before[group == "B"].sum()
    for name in ("A", "B"):
        own = group == name
        assert plain[own & now].min() >= plain[own & ~now].max()


def test_without_the_attribute_everybody_is_ranked_among_everybody():
    X, good, group = people()
    ranked = GroupRanks(LogisticScore(), favourable=1).fit(X, good, sensitive_features=group)
    plain = ranked.estimator_.predict_proba(X)[:, 1]
    assert (np.diff(ranked.predict_proba(X)[np.argsort(plain), 1]) >= 0).all()
    unknown = ranked.predict_proba(X, sensitive_features=np.full(N, None, object))
    assert (unknown == ranked.predict_proba(X)).all()
