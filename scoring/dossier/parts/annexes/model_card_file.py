"""The model card as a file: JSON after the schema of the Model Card Toolkit, v0.0.2, with intervals, which that schema allows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from scoring.dossier.document import Estimate
from scoring.dossier.parts.annexes.model_card import Slice, architecture, concerns, data, inputs, licences, output, sensitive, slices, tradeoffs
from scoring.dossier.parts.annexes.shared import in_words
from scoring.dossier.parts.study.wording import decision_origin
from scoring.dossier.view import View, rows_of
from scoring.provenance import canonical
from scoring.vocabulary import Verdict

SCHEMA: Final = "0.0.2"


def model_card_json(view: View) -> bytes:
    """Return the card as JSON after the Model Card Toolkit's schema v0.0.2; what is not known is left out, numbers withheld have no value.

    The same study gives the same bytes. A study without a declaration gives an empty object.
    """
    if not view.declared:
        return canonical({})
    return canonical(
        {
            "schema_version": SCHEMA,
            "model_details": _json_details(view),
            "model_parameters": {
                "model_architecture": architecture(view),
                "data": [_json_data(view)],
                "input_format": inputs(view),
                "output_format": output(view),
            },
            "quantitative_analysis": {"performance_metrics": [*map(_json_slice, slices(view)), *_json_ratios(view)]},
            "considerations": _json_considerations(view),
        }
    )


def _json_details(view: View) -> dict[str, Any]:
    declared = view.declared
    version = {"name": view.study.digest, "date": view.plan.as_of.isoformat() if view.plan.as_of else None}
    found: dict[str, Any] = {
        "name": view.pick(declared["name"]),
        "overview": decision_origin(view),
        "documentation": in_words(view, view.assessment.get("description")),
        "owners": [{"name": one["name"], "contact": one["contact"]} for one in (declared["controller"], *declared.get("joint_controllers", ()))],
        "version": {name: value for name, value in version.items() if value},
        "licenses": [{"custom_text": said} for said in licences(view)],
    }
    return {name: value for name, value in found.items() if value}


def _json_data(view: View) -> dict[str, Any]:
    return {"name": str(view.study.source.get("name") or "?"), "description": data(view), "sensitive": {"sensitive_data": sensitive(view)}}


def _json_slice(one: Slice) -> dict[str, Any]:
    name = f"{one.attribute}: {one.group}" if one.group else "overall"
    return {"type": one.metric, "slice": name, **_json_estimate(one.estimate)}


def _json_ratios(view: View) -> Iterator[dict[str, Any]]:
    """Give the ratios that verdicts rest on, single groups and combinations."""
    for row in rows_of(view.judged):
        told = _json_estimate(Estimate(row["ratio"], row["ratio_low"], row["ratio_high"]))
        yield {"type": f"{row['metric']}_ratio", "slice": f"{row['attribute']}: {row['group']}", "verdict": Verdict(row["verdict"]).value, **told}


def _json_estimate(one: Estimate) -> dict[str, Any]:
    """Give value and interval as far as they are numbers: JSON has neither "not a number" nor infinity."""
    bounds = {"lower_bound": one.low, "upper_bound": one.high}
    finite = {name: float(value) for name, value in bounds.items() if np.isfinite(value)}
    return {**({"value": float(one.value)} if np.isfinite(one.value) else {}), **({"confidence_interval": finite} if finite else {})}


def _json_considerations(view: View) -> dict[str, Any]:
    said = view.assessment
    described = {
        "users": [view.pick(said["intended_use"])] if said.get("intended_use") else [],
        "use_cases": [view.pick(one["name"]) for one in view.declared["purposes"]],
        "limitations": [view.pick(one) for one in said.get("limitations") or ()],
        "tradeoffs": tradeoffs(view),
    }
    risks = [{"name": f"{one.metric}: {one.group}", **({"mitigation_strategy": one.answer} if one.answer else {})} for one in concerns(view)]
    return {**{name: [{"description": one} for one in told] for name, told in described.items()}, "ethical_considerations": risks}
