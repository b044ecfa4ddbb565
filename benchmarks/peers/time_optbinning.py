"""Score a set out of fold with optbinning, in an environment of its own: `python time_optbinning.py SET.parquet FOLDS.npy` prints JSON.

As somebody who knows it would: the default binning, text as categorical, missing values by their own evidence (its default gives them none), then
scikit-learn's logistic regression. The time is that of the processor, of fitting and scoring only.
"""

import json
import sys
import time
import warnings

import numpy as np
import pandas as pd
from optbinning import BinningProcess, Scorecard
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

warnings.simplefilter("ignore")
table, folds = pd.read_parquet(sys.argv[1]), np.load(sys.argv[2])
favourable = table.pop("favourable").to_numpy()
text = [name for name in table if not pd.api.types.is_numeric_dtype(table[name])]
for name in text:
    table[name] = table[name].astype(object).where(table[name].notna(), np.nan)
aucs, taken = [], 0.0
for dealt in folds.T:
    found = []
    for fold in np.unique(dealt):
        here = dealt == fold
        start = time.process_time()
        card = Scorecard(BinningProcess(list(table), categorical_variables=text), LogisticRegression(max_iter=1000))
        card.fit(table[~here], favourable[~here], metric_missing="empirical", metric_special="empirical")
        scores = card.predict_proba(table[here])[:, 1]
        taken += time.process_time() - start
        found.append(roc_auc_score(favourable[here], scores))
    aucs.append(float(np.mean(found)))
print(json.dumps({"aucs": aucs, "seconds": taken / len(aucs)}))
