"""Time AIF360 on a Parquet file, in an environment of its own: `python time_aif360.py FILE` prints JSON.

It compares one group with the others at a time, so five groups are timed and the time of all is worked out from them.
"""

import json
import sys
import time
import warnings

import pandas as pd

warnings.simplefilter("ignore")
from aif360.datasets import BinaryLabelDataset  # noqa: E402
from aif360.metrics import ClassificationMetric  # noqa: E402

TIMED = 5
frame = pd.read_parquet(sys.argv[1])
start = time.perf_counter()
codes, groups = pd.factorize(frame["sex"] + " " + frame["age"] + " " + frame["region"])
before = time.perf_counter() - start
start = time.perf_counter()
for group in range(TIMED):
    member = pd.DataFrame({"member": (codes == group).astype(float), "label": frame["repaid"].astype(float)})
    true = BinaryLabelDataset(df=member, label_names=["label"], protected_attribute_names=["member"])
    decided = true.copy()
    decided.labels = frame[["accepted"]].to_numpy(float)
    found = ClassificationMetric(true, decided, unprivileged_groups=[{"member": 1.0}], privileged_groups=[{"member": 0.0}])
    for rate in ("selection_rate", "true_positive_rate", "false_positive_rate", "true_negative_rate", "false_negative_rate",
                 "positive_predictive_value", "accuracy", "base_rate"):  # fmt: skip
        getattr(found, rate)(privileged=False)
    found.disparate_impact(), found.statistical_parity_difference()
taken = time.perf_counter() - start
print(json.dumps({"seconds": before + taken / TIMED * len(groups), "groups": len(groups)}))
