"""The variables of a credit score against the closed list of the CNIL's single authorisation AU-005 (2006 to 2018).

The list itself is that of deliberation 2006-019 as amended by 2008-198 and was not read in full: it is handed in, and without it
every variable is unknown. What is known is that sex left it in August 2008.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from scoring.law.conditions import NO, UNKNOWN, YES, Truth

SEX_OUT_SINCE: Final = date(2008, 8, 5)
"""Publication of deliberation 2008-198 (JORF 181 of 5 August 2008)."""


@dataclass(frozen=True, slots=True)
class Variables:
    """Whether each variable is on the list."""

    listed: tuple[tuple[str, Truth], ...]

    @property
    def all_listed(self) -> Truth:
        """Yes where every variable is on the list, no where one is not, else unknown; unknown of none."""
        found = {truth for _, truth in self.listed}
        return NO if NO in found else YES if found == {YES} else UNKNOWN

    def facts(self) -> dict[str, bool]:
        """Return the fact ``variables_in_list``, nothing while it is not known."""
        return {} if self.all_listed is UNKNOWN else {"variables_in_list": self.all_listed is YES}


def au_005_variables(variables: Mapping[str, str], as_of: date, authorised: Collection[str] | None = None) -> Variables:
    """Hold the variables of a score against the list.

    Parameters
    ----------
    variables : name of a variable -> the datum that it is, in the words of the list; ``sex`` for sex.
    as_of : the day.
    authorised : the data of the list, read from the deliberation; nothing where nobody has read it.

    Examples
    --------
    >>> found = au_005_variables({"age": "age", "sex": "sex"}, date(2010, 1, 1))
    >>> found.listed, found.facts()
    ((('age', <Truth.UNKNOWN: 'unknown'>), ('sex', <Truth.NO: 'no'>)), {'variables_in_list': False})
    >>> au_005_variables({"age": "age"}, date(2010, 1, 1), ["age"]).all_listed
    <Truth.YES: 'yes'>
    """
    return Variables(tuple((name, _listed(datum, as_of, authorised)) for name, datum in variables.items()))


def _listed(datum: str, as_of: date, authorised: Collection[str] | None) -> Truth:
    if datum == "sex" and as_of >= SEX_OUT_SINCE:
        return NO
    return UNKNOWN if authorised is None else YES if datum in authorised else NO
