"""The declared types in the SQL of Spark: the rules of `tables` in another dialect, so that a cluster counts what one machine counts.

Spark stops at the first value that a cast cannot take; `try_cast` gives none instead, and the row says so.
"""

from __future__ import annotations

from scoring.vocabulary import ColumnType

_FLOATS = {"double", "float"}
_WHOLE = {"tinyint", "smallint", "int", "bigint"}
_ALREADY = {
    ColumnType.TEXT: {"string"},
    ColumnType.INTEGER: _WHOLE,
    ColumnType.NUMBER: {"double"},
    ColumnType.BOOLEAN: {"boolean"},
    ColumnType.DATE: {"date"},
}


def is_already(held: str, kind: ColumnType) -> bool:
    """Tell whether a column of Spark needs no cast."""
    return held in _ALREADY[kind]


def present(own: str, held: str) -> str:
    """Tell a value from none, as `tables` does."""
    if held == "string":
        return f"trim(BOTH ' \\t\\r\\n' FROM {own}) <> ''"
    return f"NOT isnan({own}) AND {own} IS NOT NULL" if held in _FLOATS else f"{own} IS NOT NULL"


def cast(own: str, held: str, kind: ColumnType) -> str:
    """Write the value of a column as declared; what is not of its type is none."""
    if kind is ColumnType.TEXT:
        return _text(own, held)
    if is_already(held, kind):
        return f"CAST({own} AS BIGINT)" if held in _WHOLE else own
    if kind is ColumnType.DATE:
        return _date(own, held)
    number = _number(own, held)
    if kind is ColumnType.INTEGER:  # rint, for floor is a BIGINT there and overflows
        exact = f"CASE WHEN abs({number}) < 9007199254740992 THEN CAST({number} AS BIGINT) ELSE try_cast({own} AS BIGINT) END"
        return f"CASE WHEN {number} = rint({number}) AND NOT isnan({number}) AND abs({number}) < 9.3e18 THEN {exact} END"
    if kind is ColumnType.BOOLEAN:
        said = f"try_cast({own} AS BOOLEAN)" if held == "string" else "CAST(NULL AS BOOLEAN)"
        return f"CASE WHEN {number} = 1 THEN true WHEN {number} = 0 THEN false ELSE {said} END"
    return number


def _number(own: str, held: str) -> str:
    if held == "string":  # Java reads 12d as a number
        return f"CASE WHEN NOT {own} RLIKE '[0-9.][dDfF]\\\\s*$' THEN try_cast({own} AS DOUBLE) END"
    return f"CAST({own} AS DOUBLE)" if held in _FLOATS | _WHOLE | {"boolean"} or held.startswith("decimal") else "CAST(NULL AS DOUBLE)"


def _date(own: str, held: str) -> str:
    if held.startswith("timestamp"):
        return f"CAST({own} AS DATE)"
    if held != "string":
        return "CAST(NULL AS DATE)"
    said = f"translate({own}, '/', '-')"
    day = f"try_cast({said} AS DATE)"
    whole = f"{said} RLIKE '^\\\\s*[0-9]{{4}}-[0-9]{{1,2}}-[0-9]{{1,2}}'"  # Spark reads 1990 as its first day
    return f"CASE WHEN {whole} AND {day} >= DATE'1000-01-01' AND {day} < DATE'9999-12-31' THEN {day} END"


def _text(own: str, held: str) -> str:
    whole = f"CAST(CAST({own} AS BIGINT) AS STRING)"
    if held in _FLOATS:
        return f"CASE WHEN isnan({own}) THEN NULL WHEN {own} = rint({own}) AND abs({own}) < 9e15 THEN {whole} ELSE CAST({own} AS STRING) END"
    if held.startswith("decimal"):
        return f"CASE WHEN {own} = rint({own}) THEN {whole} ELSE rtrim('0', CAST({own} AS STRING)) END"
    return own if held == "string" else f"CAST({own} AS STRING)"
