"""Why a score parts groups: what each feature gives to the gap, and how well the features tell who is in a group.

This needs the customers themselves, so it is worked out while the study is made, where it is asked for, and kept with it as tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from scoring.errors import StudyError
from scoring.inquiry.drivers import drivers
from scoring.inquiry.proxies import recoverability
from scoring.models.explaining.contributions import contributions
from scoring.plan import Plan
from scoring.scores import Scored, features_of, groups_of, persons_of, sound_rows
from scoring.tables import collect

DRIVERS, PROXIES = "drivers", "proxies"


def inquire(scored: Scored, plan: Plan) -> Mapping[str, pd.DataFrame]:
    """Return the tables ``drivers`` (where a model was trained here) and ``proxies``.

    The drivers are those of the model that is shipped, the refit on everybody; the study's decisions are out-of-fold, so that its own
    gaps differ a little.

    Raises
    ------
    StudyError
        No column has the role of a feature.
    NotAdditive
        The contributions of the model do not add up to its score.
    """
    if not plan.features:
        raise StudyError("There are no features to ask about. Fix: give the role feature to the columns that the score uses.")
    rows = collect(scored.table.frame)
    sound, weights = sound_rows(rows, scored.table, plan)
    features = features_of(rows, scored.table, plan)[sound].reset_index(drop=True)
    groups = groups_of(scored.table, plan)[sound].reset_index(drop=True)
    weighted: dict[str, Any] = {"weights": None if weights is None else weights[sound], "meaning": plan.weight_meaning}
    whose = persons_of(rows, scored.table, plan)
    asked: dict[str, Any] = {"confidence": plan.bounds.confidence, **weighted}
    found = {PROXIES: recoverability(features, groups, groups=None if whose is None else whose[sound], seed=plan.seed, **asked)}
    if scored.estimator is not None:
        found[DRIVERS] = drivers(contributions(scored.estimator, features), groups, **asked)
    return found
