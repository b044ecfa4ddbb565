"""Equiscore: score and segment customers, and show whom the scoring shuts out.

>>> import scoring
>>> activity = scoring.ProcessingActivity.read("data/samples/credit/activity.yaml")  # doctest: +SKIP
>>> scoring.conduct_study(activity).verdicts()  # doctest: +SKIP

Nothing heavy is imported until a name is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from scoring._version import __version__

if TYPE_CHECKING:
    from scoring.activity import ProcessingActivity
    from scoring.audits import audit
    from scoring.bounds import Bounds
    from scoring.errors import EquiscoreError
    from scoring.fairness.metric_frame import MetricFrame
    from scoring.fairness.metrics import METRICS
    from scoring.fairness.published import published
    from scoring.study import Study, conduct_study
    from scoring.vocabulary import Verdict

_HOMES = {
    "Bounds": "bounds",
    "EquiscoreError": "errors",
    "MetricFrame": "fairness.metric_frame",
    "METRICS": "fairness.metrics",
    "ProcessingActivity": "activity",
    "Study": "study",
    "Verdict": "vocabulary",
    "audit": "audits",
    "conduct_study": "study",
    "published": "fairness.published",
}
__all__ = [  # noqa: RUF022  (in the order in which one meets them)
    "ProcessingActivity",
    "conduct_study",
    "audit",
    "Study",
    "Verdict",
    "Bounds",
    "METRICS",
    "MetricFrame",
    "published",
    "EquiscoreError",
    "__version__",
]


def __getattr__(name: str) -> Any:
    """Import the home of a public name when the name is first asked for (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}. It has: {', '.join(__all__)}.")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
