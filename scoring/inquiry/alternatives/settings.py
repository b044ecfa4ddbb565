"""How a search measures: one cut-off rule, one set of folds, one part set aside, for every candidate alike."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

from scipy import special

from scoring.bounds import Bounds
from scoring.errors import EquiscoreError
from scoring.models.cutoffs import Costs
from scoring.vocabulary import REST


class Payoffs(NamedTuple):
    """What a decision brings, in any unit; times the amount of the row where amounts are given."""

    accepted_good: float
    accepted_bad: float
    refused_good: float = 0.0
    refused_bad: float = 0.0

    @classmethod
    def of_costs(cls, costs: Costs) -> Payoffs:
        """Return the payoffs that two costs of errors mean.

        >>> Payoffs.of_costs(Costs(5, 1))
        Payoffs(accepted_good=0.0, accepted_bad=-5.0, refused_good=-1.0, refused_bad=0.0)
        """
        return cls(0.0, -float(costs.wrongly_accepted), -float(costs.wrongly_refused), 0.0)


@dataclass(frozen=True, slots=True)
class Settings:
    """The choices of a search; all of them are in its log.

    >>> Settings(rule="accept_share", value=0.6).least_people
    52
    """

    rule: str = "accept_share"
    """``accept_share``, ``cost``, or ``value`` of the score in use: the share that it accepts is then every candidate's."""
    value: Any = 0.6
    """The share, the two costs (of no meaning where each person has costs of their own), or the value."""
    payoffs: Payoffs | None = None
    """None: profit is not measured, unless the rule is ``cost``."""
    bounds: Bounds = field(default_factory=Bounds)
    reference: str | Mapping[str, str] = REST
    engine: str = "scorecard"
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """Of the engine in use."""
    folds: int = 5
    holdout: float = 0.3
    """Share of the people set aside before the search; 0 for none."""
    seed: int = 1
    smallest: int | None = None
    """Groups of fewer people have no part in the worst ratio; None: `least_people`."""
    replicates: int = 2000
    """Of the bootstrap of paired differences at confirmation."""

    def __post_init__(self) -> None:
        if self.rule not in {"accept_share", "cost", "value"}:
            raise EquiscoreError(f"rule: no rule {self.rule!r} of a cut-off. Fix: use accept_share, cost or value.")
        if self.rule == "accept_share" and not 0 < float(self.value) < 1:
            raise EquiscoreError(f"value: a share of {self.value} cannot be accepted. Fix: give a share between 0 and 1 (0.6 for 60 %).")

    @property
    def gains(self) -> Payoffs | None:
        """The payoffs: those given, or those that the costs of the cut-off mean."""
        return Payoffs.of_costs(self.costs) if self.payoffs is None and self.rule == "cost" and self.value is not None else self.payoffs

    @property
    def costs(self) -> Costs:
        """The two costs of the rule ``cost``."""
        return self.value if isinstance(self.value, Costs) else Costs(**self.value)

    @property
    def least_people(self) -> int:
        """From how many people on a group has a part in the worst ratio.

        The smallest n at which a group at parity comes under the tolerance by chance less often than alpha, at the share p accepted (one half
        where costs choose the cut-off): ``n = z^2 (1 - p) / (p ln(tolerance)^2)``, by the variance of a log rate; never under the bounds'
        minimum group. Of smaller groups the least of several ratios says more of chance than of the score; they are judged all the same.
        """
        if self.smallest is not None:
            return self.smallest
        z, tolerance = float(special.ndtri(1 - self.bounds.alpha)), self.bounds.tolerance
        share = float(self.value) if self.rule == "accept_share" else 0.5
        needed = math.ceil(z**2 * (1 - share) / (share * math.log(tolerance) ** 2)) if tolerance < 1 else 0
        return max(needed, self.bounds.minimum_group)

    def told(self) -> dict[str, Any]:
        """Return the choices as plain values, for the log."""
        plain = asdict(self) | {"bounds": self.bounds.model_dump(), "gains": None if self.gains is None else list(self.gains)}
        if self.rule == "cost" and self.value is not None:
            plain["value"] = asdict(self.costs)
        return plain
