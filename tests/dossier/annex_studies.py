"""Declared studies of made people for the tests of cover and annexes: a whole assessment, an empty one, none."""

from datetime import date

import numpy as np
import pandas as pd

import scoring
from scoring.assessment import Assessment, Right, SignOff

AS_OF = date(2026, 11, 1)
ASKED = {
    "as_of": AS_OF.isoformat(),
    "period": {"en": "applications of 2025", "fr": "demandes de 2025"},
    "columns": {
        "sex": {"type": "text", "roles": "protected"},
        "region": {"type": "text", "roles": "protected"},
        "score": {"type": "number", "roles": "score"},
        "ok": {"type": "integer", "roles": "decision"},
    },
    "groups": {"sex": {"column": "sex", "criterion": "sex"}, "region": {"column": "region", "criterion": "residence"}},
    "score": {"column": "score"},
    "decision": {"column": "ok", "favourable": [1]},
    "source": {"path": "people.csv"},
    "not_measured": [{"criterion": "age", "why": {"en": "No date of birth in the file.", "fr": "Aucune date de naissance dans le fichier."}}],
}
DECLARED = {
    "reference": "TEST-1",
    "name": {"en": "Scoring of requests", "fr": "Scoring des demandes"},
    "controller": {"name": "Company", "contact": "privacy@company.example"},
    "dpo": {"name": "Data officer", "contact": "dpo@company.example"},
    "purposes": [{"name": {"en": "Decide on requests", "fr": "Décider des demandes"}, "legal_basis": "contract"}],
    "persons": [{"en": "Applicants", "fr": "Demandeurs"}],
    "data": [{"name": {"en": "Requests", "fr": "Demandes"}}],
    "recipients": [],
    "transfers": [],
    "retention": [{"data": {"en": "Requests", "fr": "Demandes"}, "period": {"en": "6 months", "fr": "6 mois"}}],
    "security": [{"en": "Access by role", "fr": "Accès par rôle"}],
    "facts": {"jurisdiction": "FR", "notice_given": True, "logic_explained": True, "refusal_notice": True},
    "study": ASKED,
}
SIGNERS = SignOff.model_validate({"signers": [{"name": "Ana", "role": "analyst"}, {"name": "Cleo", "role": "controller"}]})
WHOLE = Assessment.model_validate(
    {
        "description": {"en": "Each request is scored.", "fr": "Chaque demande est notée."},
        "volume": {"en": "1,200 a year", "fr": "1 200 par an"},
        "standards": ["Standard A"],
        "prohibited_uses": [{"en": "Advertising", "fr": "Publicité"}],
        "contracts": [
            {"party": "Host", "role": "provider", "object": "Hosting", "signed": "2025-03-01", "licence": {"en": "One site", "fr": "Un site"}}
        ],
        "origins": [
            {
                "source": {"en": "Form", "fr": "Formulaire"},
                "updated": "Daily",
                "external": False,
                "collected": {"en": "From the applicant", "fr": "Auprès du demandeur"},
            }
        ],
        "necessity": {"en": "Nothing less would do.", "fr": "Rien de moins ne suffirait."},
        "variables": {"region": {"sensitive": True, "purpose": {"en": "Delivery", "fr": "Livraison"}}},
        "notices": [{"to": "Applicants", "when": "On the form", "says": "The logic of the score", "version": "1"}],
        "rights": {right: {"how": {"en": "By letter", "fr": "Par courrier"}, "days": 30} for right in Right},
        "oversight": {"en": "An adviser may depart from the score.", "fr": "Un conseiller peut s'écarter du score."},
        "complaints": {"en": "To the ombudsman.", "fr": "Au médiateur."},
        "intended_use": {"en": "Advisers decide on requests.", "fr": "Les conseillers décident des demandes."},
        "limitations": [{"en": "It knows one region badly.", "fr": "Il connaît mal une région."}],
        "justifications": [
            {
                "attribute": "region",
                "group": "south",
                "measure": {"en": "A second reading", "fr": "Une seconde lecture"},
                "owner": "Head",
                "due": "2027-03-31",
            }
        ],
        "measures": {
            "second": {
                "title": {"en": "Second reading", "fr": "Seconde lecture"},
                "content": {"en": "By another", "fr": "Par un autre"},
                "kind": "exclusion",
            }
        },
        "risks": {
            name: {
                "impacts": [{"en": "No contract", "fr": "Aucun contrat"}],
                "threats": [{"en": "A wrong score", "fr": "Un score faux"}],
                "sources": [{"en": "Old data", "fr": "Données anciennes"}],
                "severity": 3,
                "likelihood": 2,
                "residual_severity": 2,
                "residual_likelihood": 2,
                "measures": ["second"],
            }
            for name in ("access", "modification", "disappearance", "exclusion")
        },
        "training": ["Advisers, 2026"],
        "monitoring": {"every_months": 12, "stop": {"en": "The head stops it.", "fr": "La direction l'arrête."}},
    }
)


def people(unknown=7):
    """1,200 people: south is excluded, five live on an islet and were all accepted, `unknown` did not say where."""
    rng = np.random.default_rng(23)
    n = 1200
    region = rng.choice(["north", "south", "west"], n, p=[0.5, 0.3, 0.2]).astype(object)
    ok = (rng.random(n) < np.where(region == "south", 0.3, 0.7)).astype(int)
    region[:5], ok[:5] = "islet", 1
    region[5 : 5 + unknown] = None
    score = pd.array(np.round(500 + 80 * rng.standard_normal(n) - 60 * (region == "south")), dtype="Float64")
    score[30:34] = pd.NA
    return pd.DataFrame({"sex": rng.choice(["F", "M"], n), "region": region, "score": score, "ok": ok})


def activity(assessment=None, review=None, **changes):
    declared = scoring.ProcessingActivity.model_validate({**DECLARED, **changes})
    return declared.model_copy(update={"assessment": assessment or Assessment(), "review": review})


def hand_frame(groups, **fixed):
    """Make a frame from {sex: (accepted, refused)}; a group of None is unknown."""
    rows = [(sex, value) for sex, (yes, no) in groups.items() for value in [1] * yes + [0] * no]
    return pd.DataFrame(rows, columns=["sex", "ok"]).assign(region="north", **fixed)
