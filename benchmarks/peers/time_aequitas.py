"""Time aequitas on a Parquet file, in an environment of its own: `python time_aequitas.py FILE` prints JSON. One crossed attribute."""

import json
import sys
import time

import pandas as pd
from aequitas.bias import Bias
from aequitas.group import Group

frame = pd.read_parquet(sys.argv[1])
start = time.perf_counter()
crossed = frame["sex"] + " " + frame["age"] + " " + frame["region"]
rows = pd.DataFrame({"crossed": crossed.astype(object), "score": frame["accepted"], "label_value": frame["repaid"]})
table, _ = Group().get_crosstabs(rows, attr_cols=["crossed"])
Bias().get_disparity_major_group(table, original_df=rows, alpha=0.05, mask_significance=False)
print(json.dumps({"seconds": time.perf_counter() - start, "groups": len(table)}))
