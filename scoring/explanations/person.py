"""Finding one person in a customer file: by identifier, or by number of row."""

from __future__ import annotations

from pathlib import Path

import narwhals as nw
import pandas as pd

from scoring.errors import ContractError
from scoring.plan import Plan, Source
from scoring.tables import collect, numbered, open_source
from scoring.vocabulary import ColumnType, Role

ROW = "(row)"
MOST_COMPARED = 5_000
"""Others that a person is compared with, the first of the file: enough for means and ranges of a feature."""


def person_in(plan: Plan, data: Path, *, row: int | None = None, identifier: str | None = None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the features of one person of a file, and those of people to compare with.

    Parameters
    ----------
    plan
        Names the features, their types and the column of the identifier.
    data
        CSV or Parquet file, or a folder of either.
    row, identifier
        The number of the row, from 1; or what stands in the column with the role identifier. One of them.

    Returns
    -------
    tuple of DataFrame (1, features) and DataFrame (up to 5,000, features)

    Raises
    ------
    ContractError
        Nobody there, more than one, no column with the role identifier.
    """
    if (row is None) == (identifier is None):
        raise ContractError("Whose score is not said. Fix: give the number of the row, or the identifier.")
    column = plan.only(Role.IDENTIFIER)
    if identifier is not None and column is None:
        raise ContractError("No column has the role identifier. Fix: give the number of the row instead.")
    named = [column] if identifier is not None and column else []
    types = {name: plan.columns[name].type for name in plan.features} | dict.fromkeys(named, ColumnType.TEXT)
    source = (plan.source or Source(path=data)).model_copy(update={"path": data, "url": None, "table": None})
    table = open_source(source, types)
    frame = numbered(table, ROW)
    wanted = nw.col(ROW) == row if identifier is None else table.col(str(column)).str.strip_chars() == identifier
    names = {name: table.own[name] for name in plan.features}
    features = [nw.col(own).alias(name) for name, own in names.items()]
    found = collect(frame.filter(wanted).head(2).select(*features)).to_pandas()
    if len(found) != 1:
        said = f"row {row}" if identifier is None else f"identifier {identifier!r}"
        many = "nobody has" if found.empty else "more than one has"
        raise ContractError(f"{table.described}: {many} {said}. Fix: check the number, or give the number of the row.")
    return found, collect(frame.head(MOST_COMPARED).select(*features)).to_pandas()
